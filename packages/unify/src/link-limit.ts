/**
 * Names an inode may have: EXT4_LINK_MAX and BTRFS_LINK_MAX of the kernel's sources; XFS_MAXLINK, and tmpfs counts in
 * 32 bits. For others the smallest of the common ones.
 */
const limits: Readonly<Record<string, number>> = { ext4: 65_000, btrfs: 65_535, xfs: 2 ** 31 - 1, tmpfs: 2 ** 31 - 1 };
const smallestLimit = 1000;

/** Names that one inode may have on a file system of this type. */
export function linkLimit(type: string): number {
  return limits[type] ?? smallestLimit;
}
