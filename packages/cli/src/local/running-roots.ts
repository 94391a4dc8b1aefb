import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Guest } from "@samepage/unify";

/**
 * Answers whether a directory is some process's root, by device and inode number of /proc/PID/root: that link
 * leads into other mount namespaces, so containers are found as well as chroots. Without root not every process
 * can be looked at, and the answer is `unknown` instead of `stopped`.
 */
export async function runningRoots(): Promise<(path: string) => Promise<Guest["state"]>> {
  const roots = new Set<string>();
  let sawAll = true;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/u.test(name))) {
    try {
      roots.add(await identityOf(join("/proc", pid, "root")));
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      // A process that has just ended runs nothing.
      if (code !== "ENOENT" && code !== "ESRCH") sawAll = false;
    }
  }
  return async (path) => {
    // A path that is missing is the engine's to refuse.
    const identity = await identityOf(path).catch(() => "");
    if (roots.has(identity)) return "running";
    return sawAll ? "stopped" : "unknown";
  };
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path, { bigint: true });
  return `${dev}:${ino}`;
}
