import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/**
 * Whether a process on the host has a directory as its root: such a guest runs, whatever its manager says. Compares
 * device and inode of /proc/<pid>/root, so that it holds across mount namespaces. Nothing of the guest is run or read.
 */
export async function readProcessRoots(root: string): Promise<(path: string) => Promise<boolean>> {
  const proc = join(root, "/proc");
  const pids = (await readdir(proc).catch(() => [])).filter((name) => /^\d+$/u.test(name));
  const roots = new Set<string>();
  for (const pid of pids) {
    // The process may have ended meanwhile.
    const found = await stat(join(proc, pid, "root"), { bigint: true }).catch(() => undefined);
    if (found !== undefined) roots.add(`${found.dev}:${found.ino}`);
  }
  return async (path) => {
    const found = await stat(path, { bigint: true }).catch(() => undefined);
    return found !== undefined && roots.has(`${found.dev}:${found.ino}`);
  };
}
