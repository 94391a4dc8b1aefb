import { createHash } from "node:crypto";
import type { Candidates, Tree } from "@samepage/linux";

/**
 * SHA-256 over every swap (inode, ctime and size of what is replaced, and inode of what replaces it), in the order of
 * inode numbers: the order in which threads found them does not matter.
 * @param plans words as in `SwapPlan`
 */
export function planHash(tree: Tree, candidates: Candidates, plans: readonly Uint32Array[]): string {
  const canonicalOf = new Map<number, number>();
  for (const words of plans) {
    for (let at = 0; at < words.length; at += 2 + (words[at + 1] ?? 0)) {
      for (const member of words.subarray(at + 2, at + 2 + (words[at + 1] ?? 0))) canonicalOf.set(member, words[at] ?? 0);
    }
  }
  const ino = (inode: number) => tree.ino(candidates.row(inode));
  const members = [...canonicalOf.keys()].sort((a, b) => tree.space(candidates.row(a)) - tree.space(candidates.row(b)) || ino(a) - ino(b));
  const hash = createHash("sha256");
  const record = new BigInt64Array(5);
  for (const member of members) {
    const row = candidates.row(member);
    record[0] = BigInt(tree.space(row));
    record[1] = BigInt(tree.ino(row));
    record[2] = tree.ctime(row);
    record[3] = BigInt(tree.size(row));
    record[4] = BigInt(ino(canonicalOf.get(member) ?? 0));
    hash.update(record);
  }
  return hash.digest("hex");
}
