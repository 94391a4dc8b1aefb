import { type JobControl, sharedPages, type Tree } from "@samepage/linux";

/** cachestat(2) counts pages of this size on every architecture that Node runs on with Debian's kernels. */
const pageBytes = 4096;

/**
 * What the page cache holds of inodes with several names in the guests, and what private copies of the same pages would
 * take besides. Bytes.
 * @param threads how many ask the kernel
 * @param shown as in `sharedPages`
 */
export async function measurePageCache(tree: Tree, threads: number, control: JobControl, shown: Uint32Array): Promise<{ shared: number; saved: number }> {
  const { shared, saved } = await sharedPages(tree, shown, threads, control);
  return { shared: shared * pageBytes, saved: saved * pageBytes };
}
