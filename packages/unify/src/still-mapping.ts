import { readdir, readFile } from "node:fs/promises";
import { inodeKey } from "./held-inodes.ts";
import type { UnifyReport } from "./unify-report.ts";

/** An inode whose names went to another one. */
export interface ReplacedInode {
  /** `major:minor` as /proc prints it. */
  readonly device: string;
  readonly ino: number;
  readonly guest: string;
}

/** What a process maps: keys of inodes. */
interface Mapped {
  readonly pid: string;
  readonly files: ReadonlySet<string>;
}

/**
 * Processes that still map files which were replaced: their memory is shared only once they restart. Processes that end
 * meanwhile are left out.
 * @param replaced those among some inode numbers: all processes together map far fewer files than a run replaces
 */
export async function readStillMapping(replaced: (inos: ReadonlySet<number>) => readonly ReplacedInode[], signal: AbortSignal): Promise<UnifyReport["stillMapping"]> {
  const inos = new Set<number>();
  const mapped: Mapped[] = [];
  for (const pid of await readdir("/proc")) {
    if (signal.aborted) break;
    if (!/^\d+$/u.test(pid)) continue;
    // Empty for one that has ended.
    const maps = await readFile(`/proc/${pid}/maps`, "latin1").catch(() => "");
    mapped.push({ pid, files: mappedFiles(maps, inos) });
  }
  const guestOf = new Map(replaced(inos).map(({ device, ino, guest }) => [inodeKey(device, ino), guest]));
  if (guestOf.size === 0) return [];
  const found: UnifyReport["stillMapping"][number][] = [];
  for (const { pid, files } of mapped) {
    const byGuest = Map.groupBy([...files].filter((key) => guestOf.has(key)), (key) => guestOf.get(key) ?? "");
    const command = byGuest.size === 0 ? "" : (await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "")).trim();
    if (command !== "") for (const [guest, { length }] of byGuest) found.push({ pid: Number(pid), command, guest, files: length });
  }
  return found;
}

/** The inodes in a maps file (proc_pid_maps(5)); device numbers there are hexadecimal. */
function mappedFiles(maps: string, inos: Set<number>): Set<string> {
  const files = new Set<string>();
  for (const [, major = "", minor = "", ino = ""] of maps.matchAll(/^\S+ \S+ \S+ ([0-9a-f]+):([0-9a-f]+) ([1-9]\d*)/gmu)) {
    files.add(inodeKey(`${Number.parseInt(major, 16)}:${Number.parseInt(minor, 16)}`, Number(ino)));
    inos.add(Number(ino));
  }
  return files;
}
