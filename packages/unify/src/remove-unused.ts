import { closeSync, constants, fstatSync, openSync, unlinkSync } from "node:fs";
import { setImmutable } from "@samepage/linux";
import type { GuardedInode, InodeGuard } from "./inode-guard.ts";
import { poolObjects } from "./pool-objects.ts";

/** Objects that the guard is told of with one request; each holds a descriptor until then. */
const objectsAtOnce = 1000;

interface Unused extends GuardedInode {
  readonly path: string;
  /** Bytes that go free when its name in the pool goes. */
  readonly frees: number;
}

/**
 * Removes objects from a pool that no guest uses any more (their only name is the pool's), and those whose inodes are
 * given because one file has them to itself now. Marks of the former outlast the name: guests may have the inode open or mapped.
 * @param privately by inode: how many names that one file has
 * @param guard where one may have marked objects; then no file may have one to itself, since another guest may hold it still
 * @returns how many objects went, and the bytes that freed, in all and by inode
 */
export async function removeUnused(
  pool: string,
  privately: ReadonlyMap<number, number>,
  guard: InodeGuard | undefined,
  signal: AbortSignal,
): Promise<{ objects: number; removed: number; freed: number; freedBy: ReadonlyMap<number, number> }> {
  const freedBy = new Map<number, number>();
  const result = { objects: 0, removed: 0, freed: 0, freedBy };
  let unused: Unused[] = [];
  const remove = async () => {
    const batch = unused;
    unused = [];
    try {
      for (const { fd, path, ino, frees } of batch) {
        liftFlag(fd);
        unlinkSync(path);
        result.removed++;
        result.freed += frees;
        freedBy.set(Number(ino), frees);
      }
      // Also after a cancel: nobody else tells the guard of them, and their marks would stay until it starts again.
      if (batch.length > 0) await guard?.retire(batch, new AbortController().signal);
    } finally {
      for (const { fd } of batch) closeSync(fd);
    }
  };
  for await (const object of poolObjects(pool)) {
    if (signal.aborted) break;
    result.objects++;
    const fd = openSync(object.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { nlink, ino, dev, blocks } = fstatSync(fd, { bigint: true });
    const isUnused = nlink === 1n || Number(nlink) === 1 + (privately.get(Number(ino)) ?? 0);
    if (isUnused) unused.push({ fd, ino, dev, path: object.path, frees: nlink === 1n ? Number(blocks) * 512 : 0 });
    else closeSync(fd);
    if (unused.length === objectsAtOnce) await remove();
  }
  await remove();
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
