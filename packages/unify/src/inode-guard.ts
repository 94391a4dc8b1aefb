/**
 * What the engine asks of a guard of shared inodes. Packages at the same level do not import each other,
 * so `@samepage/guard` implements this shape and the agent or the command line hands it in.
 */
export interface InodeGuard {
  /**
   * Guards inodes before anything is linked to them. The descriptors are open read-only and the caller
   * holds a read lease on each. Resolves only when the kernel enforces every mark. Rejects with an error of code `busy` when an
   * inode is being opened for writing; then marks of the others may stay, and whoever shares nothing lifts them.
   */
  mark(files: readonly GuardedInode[], signal: AbortSignal): Promise<void>;
  /**
   * Lifts marks that `mark` of this object set and through which nothing was shared since, not even for a moment. Marks that were there
   * before stay: whom an inode was shared with may hold it open or mapped, whatever its link count says.
   */
  unmark(files: readonly GuardedInode[], signal: AbortSignal): Promise<void>;
  /** Says that inodes have lost their names. Their marks go when the inodes themselves have gone: when nobody holds them any more. */
  retire(files: readonly GuardedInode[], signal: AbortSignal): Promise<void>;
}

export interface GuardedInode {
  /** Open, read-only. */
  readonly fd: number;
  readonly dev: bigint;
  readonly ino: bigint;
}
