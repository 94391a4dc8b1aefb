import { cp, mkdir, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildCorpus } from "@samepage/test-corpus";
import { openLoopFs, run } from "@samepage/test-support";
import type { UndoStack } from "./undo-stack.ts";

/** One host's guests and the file system they are on. */
export interface HostGuests {
  /** Directory that holds the guests. */
  readonly directory: string;
  readonly guests: readonly string[];
  /** Bytes in use on the file system, once everything is written to it. */
  readonly bytesUsed: () => Promise<number>;
}

/** Room for four private guests of the minimal set (200 MB each) and what an upgrade adds. */
const fileSystemMiB = 3072;

/** Real Debian guests on a file system of their own. Needs root. */
export async function makeGuests(host: number, count: number, notice: (line: string) => void, undo: UndoStack): Promise<HostGuests> {
  const fileSystem = await openLoopFs("ext4", fileSystemMiB);
  undo.push(`unmount ${fileSystem.mount}`, async () => fileSystem[Symbol.asyncDispose]());
  const directory = join(fileSystem.mount, "guests");
  // A seed for each host: its guests differ from the other hosts' as they would in a fleet.
  const guests = await buildCorpus({ directory, guests: count, seed: host, notice });
  return { directory, guests: guests.map(({ path }) => path), bytesUsed: async () => bytesUsedOn(fileSystem.mount) };
}

/** In a user namespace: directories with copies of this machine's files, a little different each, on a file system in memory. */
export async function makePlainGuests(mount: string, host: number, count: number, undo: UndoStack): Promise<HostGuests> {
  await mkdir(mount);
  await run("mount", ["-t", "tmpfs", "-o", "mode=755", "samepage-quickstart", mount]);
  undo.push(`unmount ${mount}`, async () => run("umount", [mount]));
  const directory = join(mount, "guests");
  const guests: string[] = [];
  for (let number = 1; number <= count; number++) {
    const guest = join(directory, `guest-${number}`);
    await mkdir(join(guest, "etc"), { recursive: true });
    // Times kept: files of one version have one time in every guest, as after a package manager.
    await cp("/usr/share/zoneinfo", join(guest, "usr/share/zoneinfo"), { recursive: true, preserveTimestamps: true, dereference: true });
    await cp("/usr/bin/openssl", join(guest, "usr/bin/openssl"), { preserveTimestamps: true, dereference: true });
    await writeFile(join(guest, "etc/hostname"), `host-${host}-guest-${number}\n`);
    guests.push(guest);
  }
  return { directory, guests, bytesUsed: async () => bytesUsedOn(mount) };
}

async function bytesUsedOn(mount: string): Promise<number> {
  await run("sync", ["--file-system", mount]);
  const { blocks, bfree, bsize } = await statfs(mount);
  return (blocks - bfree) * bsize;
}
