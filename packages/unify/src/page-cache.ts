import { cachedPages, type JobControl, type Tree } from "@samepage/linux";

/** cachestat(2) counts pages of this size on every architecture that Node runs on with Debian's kernels. */
const pageBytes = 4096;

/**
 * What the page cache holds of inodes with several names in the guests, and what private copies of the same pages would
 * take besides. Bytes.
 * @param shownBy the row whose inode a name has now; undefined for names that share with nobody
 */
export async function measurePageCache(tree: Tree, control: JobControl, shownBy: (row: number) => number | undefined): Promise<{ shared: number; saved: number }> {
  // Inode numbers are a file system's own, spaces are at most as wide.
  const spaces = new Map<number, Map<number, number>>();
  const rows: number[] = [];
  const names: number[] = [];
  for (let row = 0; row < tree.rowCount; row++) {
    if (!tree.isUsed(row) || tree.isPool(row)) continue;
    const shown = shownBy(row);
    if (shown === undefined) continue;
    const space = spaces.get(tree.space(shown)) ?? new Map<number, number>();
    spaces.set(tree.space(shown), space);
    const at = space.get(tree.ino(shown));
    if (at !== undefined) names[at] = (names[at] ?? 0) + 1;
    else {
      space.set(tree.ino(shown), rows.push(row) - 1);
      names.push(1);
    }
  }
  const shared = rows.flatMap((row, at) => ((names[at] ?? 0) > 1 ? [{ row, names: names[at] ?? 0 }] : []));
  const pages = await cachedPages(tree, shared.map(({ row }) => row), control);
  const total = { shared: 0, saved: 0 };
  for (const [at, inode] of shared.entries()) {
    const bytes = (pages[at] ?? 0) * pageBytes;
    total.shared += bytes;
    total.saved += bytes * (inode.names - 1);
  }
  return total;
}
