import { createHash } from "node:crypto";
import type { Candidates, Tree } from "@samepage/linux";

const recordWords = 5;

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
  const record = new BigInt64Array(members.length * recordWords);
  for (const [at, member] of members.entries()) {
    const row = candidates.row(member);
    record.set([BigInt(tree.space(row)), BigInt(tree.ino(row)), tree.ctime(row), BigInt(tree.size(row)), BigInt(ino(canonicalOf.get(member) ?? 0))], at * recordWords);
  }
  return createHash("sha256").update(record).digest("hex");
}
