import { setImmediate } from "node:timers/promises";
import type { ConffileSet } from "./conffile-set.ts";
import { DatabaseFault } from "./database-fault.ts";
import type { GuestFile, GuestTree } from "./guest-file.ts";
import { bdbHeaders } from "./rpm-bdb.ts";
import { configFiles } from "./rpm-header.ts";
import { ndbHeaders } from "./rpm-ndb.ts";
import { sqliteHeaders } from "./rpm-sqlite.ts";

/** Where distributions keep rpm's database: the old place, Fedora's and SUSE's new one, and Debian's rpm. */
const directories = ["var/lib/rpm", "usr/lib/sysimage/rpm", "root/.rpmdb"];

/** Bytes. A host with 5,000 packages has about 300 MB. */
const largestDatabase = 1024 * 1024 * 1024;
/** All of Fedora has about 80,000. */
const mostPackages = 1_000_000;

interface Backend {
  readonly file: string;
  readonly headers: (file: GuestFile, log: GuestFile | undefined) => AsyncIterable<Buffer> | Iterable<Buffer>;
}

const backends: readonly Backend[] = [
  { file: "rpmdb.sqlite", headers: sqliteHeaders },
  { file: "Packages.db", headers: ndbHeaders },
  { file: "Packages", headers: bdbHeaders },
];

/** The database files that exist, from the guest's root. After a conversion several may; all of them are read. */
export function findRpmDatabases(tree: GuestTree): string[] {
  return directories
    .flatMap((directory) => backends.map(({ file }) => `${directory}/${file}`))
    .filter((path) => {
      using file = tree.openFile(path);
      return file !== undefined && file.size > 0;
    });
}

/** Adds the files that packages in one of rpm's databases mark as configuration. */
export async function readRpmConffiles(tree: GuestTree, path: string, conffiles: ConffileSet, signal: AbortSignal): Promise<void> {
  const backend = backends.find(({ file }) => path.endsWith(`/${file}`));
  using file = tree.openFile(path);
  using log = tree.openFile(`${path}-wal`);
  if (backend === undefined || file === undefined) return;
  const bytes = file.size + (log?.size ?? 0);
  if (bytes > largestDatabase) throw new DatabaseFault("corrupt", `has ${bytes} bytes, more than the ${largestDatabase} that a real one can have`);
  let packages = 0;
  for await (const header of backend.headers(file, log)) {
    signal.throwIfAborted();
    if (++packages > mostPackages) throw new DatabaseFault("corrupt", `claims more than ${mostPackages} packages`);
    for (const name of configFiles(header)) conffiles.add(name);
    // Reading and parsing are synchronous; between packages others get their turn.
    await setImmediate();
  }
}
