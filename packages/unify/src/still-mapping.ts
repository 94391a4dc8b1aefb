import { readdir, readFile } from "node:fs/promises";
import type { UnifyReport } from "./unify-report.ts";

/** An inode whose names went to another one. */
export interface ReplacedInode {
  /** `major:minor` as /proc prints it. */
  readonly device: string;
  readonly ino: number;
  readonly guest: string;
}

/**
 * Processes that still map files which were replaced: their memory is shared only once they restart. Processes that end
 * meanwhile are left out.
 */
export async function readStillMapping(replaced: readonly ReplacedInode[], signal: AbortSignal): Promise<UnifyReport["stillMapping"]> {
  if (replaced.length === 0) return [];
  const guestOf = new Map(replaced.map(({ device, ino, guest }) => [`${device} ${ino}`, guest]));
  const found: UnifyReport["stillMapping"][number][] = [];
  for (const pid of await readdir("/proc")) {
    if (signal.aborted) break;
    if (!/^\d+$/u.test(pid)) continue;
    try {
      const files = mappedFiles(await readFile(`/proc/${pid}/maps`, "latin1"), guestOf);
      if (files.size === 0) continue;
      const command = (await readFile(`/proc/${pid}/comm`, "utf8")).trim();
      for (const [guest, inodes] of files) found.push({ pid: Number(pid), command, guest, files: inodes.size });
    } catch {
      // Ended meanwhile.
    }
  }
  return found;
}

/** By guest, the replaced inodes in a maps file (proc_pid_maps(5)); device numbers there are hexadecimal. */
function mappedFiles(maps: string, guestOf: ReadonlyMap<string, string>): Map<string, Set<string>> {
  const files = new Map<string, Set<string>>();
  for (const line of maps.split("\n")) {
    const [, major, minor, ino] = /^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) (\d+)/u.exec(line) ?? [];
    if (major === undefined || minor === undefined || ino === undefined || ino === "0") continue;
    const key = `${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)} ${ino}`;
    const guest = guestOf.get(key);
    if (guest === undefined) continue;
    const inodes = files.get(guest) ?? new Set();
    inodes.add(key);
    files.set(guest, inodes);
  }
  return files;
}
