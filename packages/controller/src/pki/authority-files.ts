import { mkdir, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ControllerError } from "../api/controller-error.ts";
import { codeOf } from "../thrown.ts";
import { writePrivateFile } from "../write-private-file.ts";

/** PEM, both. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/**
 * The authorities of a fleet on disk: `current.pem` signs; `next.pem` (before a switch) and `previous.pem` (after it) are
 * trusted too. One that signs has certificate and key in one file, so that a rename replaces both at once. Controllers of
 * one fleet hold the same directory.
 */
export interface AuthorityFiles {
  /** The pair that signs; made when there is none. */
  currentOr(create: () => Promise<KeyPair>): Promise<KeyPair>;
  /** PEM of the certificates that are trusted besides. */
  others(): Promise<readonly string[]>;
  /** Since when the next authority has been trusted, epoch milliseconds; undefined when there is none. */
  nextSince(): Promise<number | undefined>;
  /** Since when the previous authority no longer signs, epoch milliseconds; undefined when there is none. */
  previousSince(): Promise<number | undefined>;
  addNext(pair: KeyPair): Promise<void>;
  /** The next one signs from now on. */
  switchToNext(): Promise<void>;
  removePrevious(): Promise<void>;
}

export function authorityFiles(dir: string): AuthorityFiles {
  const path = (name: "current" | "next" | "previous") => join(dir, `${name}.pem`);
  const write = async (name: "current" | "next", { certificate, key }: KeyPair) => {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    await writePrivateFile(path(name), `${certificate.trim()}\n${key.trim()}\n`);
  };
  const since = async (name: "next" | "previous") =>
    stat(path(name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => undefined,
    );
  return {
    currentOr: async (create) => {
      const found = await readBlocks(path("current"));
      if (found !== undefined) return found;
      const made = await create();
      await write("current", made);
      return made;
    },
    others: async () => {
      const found = await Promise.all([readBlocks(path("next")), readBlocks(path("previous"))]);
      return found.flatMap((pair) => (pair === undefined ? [] : [pair.certificate]));
    },
    nextSince: async () => since("next"),
    previousSince: async () => since("previous"),
    addNext: async (pair) => write("next", pair),
    switchToNext: async () => {
      const current = await readBlocks(path("current"));
      // First: whoever dies after this trusts one twice, never one too few.
      if (current !== undefined) await writePrivateFile(path("previous"), current.certificate);
      await rename(path("next"), path("current"));
    },
    removePrevious: async () => rm(path("previous"), { force: true }),
  };
}

/** Undefined when there is no such file. A file without a key has an empty one. */
async function readBlocks(path: string): Promise<KeyPair | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return undefined;
    throw new ControllerError("state-dir", `cannot read ${path}`, { target: path, cause });
  }
  const certificate = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/u.exec(text)?.[0];
  if (certificate === undefined) throw new ControllerError("state-dir", `${path} holds no certificate`, { hint: "restore it from a backup", target: path });
  return { certificate, key: /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/u.exec(text)?.[0] ?? "" };
}
