import { closeSync, openSync, writeSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { DatabaseFault } from "./database-fault.ts";
import type { GuestFile } from "./guest-file.ts";
import { largestHeader } from "./rpm-header.ts";

const copyBytes = 1024 * 1024;

/**
 * Package headers of an SQLite database (`rpmdb.sqlite`; rpm's default since 4.16). Reads a private copy: a guest
 * that writes meanwhile, or a write-ahead log that needs replaying, must not make us write into the guest.
 * @param log the write-ahead log beside it, where there is one
 */
export async function* sqliteHeaders(file: GuestFile, log: GuestFile | undefined): AsyncGenerator<Buffer> {
  // Loaded only for guests that need it: starting Node with it costs every other command.
  const { DatabaseSync } = await import("node:sqlite");
  const directory = await mkdtemp(join(tmpdir(), "samepage-rpmdb-"));
  try {
    const copy = join(directory, "rpmdb.sqlite");
    copyOut(file, copy);
    if (log !== undefined) copyOut(log, `${copy}-wal`);
    const database = new DatabaseSync(copy, { allowExtension: false });
    try {
      yield* packages(database, file.size + (log?.size ?? 0));
    } finally {
      database.close();
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_SQLITE_ERROR") throw new DatabaseFault("corrupt", error.message, { cause: error });
    throw error;
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function* packages(database: DatabaseSync, bytes: number): Generator<Buffer> {
  // A schema is code: a view or a generated column could compute for ever. rpm's own has tables and indexes only.
  database.exec("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0");
  const schema = database.prepare("SELECT type, name, sql FROM sqlite_schema LIMIT 1000").all();
  const plain = schema.every(
    ({ type, sql }) => sql === null || ((type === "table" || type === "index") && typeof sql === "string" && /^CREATE (?:UNIQUE )?(?:TABLE|INDEX)\s[^;]*$/iu.test(sql) && !/\b(?:AS|CHECK|VIRTUAL|WHERE)\b/iu.test(sql)),
  );
  if (!plain) throw new DatabaseFault("unsupported", "holds views, triggers or computed columns, as rpm's own never does");
  if (!schema.some(({ type, name }) => type === "table" && name === "Packages")) throw new DatabaseFault("corrupt", "has no table of packages");
  // Without ORDER BY it is one pass over the table, and every page visited yields a row: bounded by the bytes counted here.
  const rows = database.prepare("SELECT length(blob) AS bytes, CASE WHEN length(blob) <= ? THEN blob END AS header FROM Packages").iterate(largestHeader);
  let unread = bytes;
  for (const { bytes: length, header } of rows) {
    if (typeof length !== "number" || !(header instanceof Uint8Array)) throw new DatabaseFault("corrupt", "holds a package that is no header");
    unread -= Math.max(length, 1);
    if (unread < 0) throw new DatabaseFault("corrupt", "claims more packages than it has bytes");
    yield Buffer.from(header.buffer, header.byteOffset, header.byteLength);
  }
}

function copyOut(file: GuestFile, path: string): void {
  const fd = openSync(path, "wx", 0o600);
  try {
    for (let at = 0; at < file.size; ) {
      const piece = file.read(at, Math.min(copyBytes, file.size - at));
      if (piece.length === 0) return;
      writeSync(fd, piece);
      at += piece.length;
    }
  } finally {
    closeSync(fd);
  }
}
