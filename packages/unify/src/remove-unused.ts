import { closeSync, constants, fstatSync, openSync, unlinkSync } from "node:fs";
import { setImmutable } from "@samepage/linux";
import { poolObjects } from "./pool-objects.ts";

/**
 * Removes objects from a pool that no guest uses any more (their only name is the pool's), and those whose inodes are
 * given because one file has them to itself now.
 * @param privately by inode: how many names that one file has
 * @returns how many objects went, and the bytes that freed
 */
export async function removeUnused(pool: string, privately: ReadonlyMap<number, number>, signal: AbortSignal): Promise<{ objects: number; removed: number; freed: number }> {
  const result = { objects: 0, removed: 0, freed: 0 };
  for await (const object of poolObjects(pool)) {
    if (signal.aborted) break;
    result.objects++;
    const fd = openSync(object.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const { nlink, ino, blocks } = fstatSync(fd);
      if (nlink > 1 && nlink !== 1 + (privately.get(ino) ?? 0)) continue;
      liftFlag(fd);
      unlinkSync(object.path);
      result.removed++;
      if (nlink === 1) result.freed += blocks * 512;
    } finally {
      closeSync(fd);
    }
  }
  return result;
}

function liftFlag(fd: number): void {
  try {
    setImmutable(fd, false);
  } catch (error) {
    // The file system knows no such flag, so it cannot be set either.
    if (!(error instanceof Error && "code" in error && (error.code === "ENOTTY" || error.code === "EOPNOTSUPP"))) throw error;
  }
}
