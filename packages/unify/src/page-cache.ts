import { cachedPages, type JobControl, type Tree } from "@samepage/linux";

/** cachestat(2) counts pages of this size on every architecture that Node runs on with Debian's kernels. */
const pageBytes = 4096;

/**
 * What the page cache holds of inodes that several guests use, and what private copies of the same pages would take besides.
 * Bytes.
 */
export async function measurePageCache(tree: Tree, control: JobControl): Promise<{ shared: number; saved: number }> {
  const users = new Map<string, { row: number; guests: Set<number> }>();
  for (let row = 0; row < tree.rowCount; row++) {
    if (!tree.isUsed(row) || tree.isPool(row) || tree.links(row) < 2) continue;
    const key = `${tree.space(row)} ${tree.ino(row)}`;
    const known = users.get(key);
    if (known === undefined) users.set(key, { row, guests: new Set([tree.guest(row)]) });
    else known.guests.add(tree.guest(row));
  }
  const several = [...users.values()].filter(({ guests }) => guests.size > 1);
  const pages = await cachedPages(tree, several.map(({ row }) => row), control);
  return several.reduce(
    (sum, { guests }, at) => {
      const bytes = (pages[at] ?? 0) * pageBytes;
      return { shared: sum.shared + bytes, saved: sum.saved + bytes * (guests.size - 1) };
    },
    { shared: 0, saved: 0 },
  );
}
