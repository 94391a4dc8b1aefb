import { type JobControl, sharedPages, showsAlone, type Tree } from "@samepage/linux";

/** cachestat(2) counts pages of this size on every architecture that Node runs on with Debian's kernels. */
const pageBytes = 4096;

/**
 * What the page cache holds of inodes with several names in the guests, and what private copies of the same pages would
 * take besides. Bytes.
 * @param threads how many ask the kernel
 * @param shownBy the row whose inode a name has now; undefined for names that share with nobody
 */
export async function measurePageCache(tree: Tree, threads: number, control: JobControl, shownBy: (row: number) => number | undefined): Promise<{ shared: number; saved: number }> {
  const shown = new Uint32Array(tree.rowCount).fill(showsAlone);
  for (let row = 0; row < tree.rowCount; row++) {
    if (tree.isUsed(row) && !tree.isPool(row)) shown[row] = shownBy(row) ?? showsAlone;
  }
  const { shared, saved } = await sharedPages(tree, shown, threads, control);
  return { shared: shared * pageBytes, saved: saved * pageBytes };
}
