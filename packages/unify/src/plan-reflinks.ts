import type { Placement } from "@samepage/linux";
import type { InodeFacts, InodeFates } from "./plan-swaps.ts";

/** Groups that share extents, as the planner of reflinks takes them: each a list of inodes. */
export type ExtentGroups = readonly (readonly number[])[];

/**
 * Decides whose extents the others come to share: those that most inodes of the group share already, so that the least is
 * moved; among equals the oldest.
 * @param placement where each inode of the groups lies
 * @param fate is filled in for the inodes of the groups
 * @returns groups one after the other: canonical inode, number of members, members
 */
export function planReflinks(groups: ExtentGroups, facts: InodeFacts, placement: (inode: number) => Placement, fate: InodeFates): Uint32Array {
  const words: number[] = [];
  for (const inodes of groups) {
    const able = inodes.filter((inode) => {
      const hindrance = facts.hindrance(inode) ?? (placement(inode).shareable ? undefined : "unsupported");
      if (hindrance !== undefined) fate.set(inode, hindrance);
      return hindrance === undefined;
    });
    const [largest, ...others] = [...Map.groupBy(able, (inode) => placement(inode).place).values()].sort((a, b) => b.length - a.length || oldest(a, facts) - oldest(b, facts));
    const [canonical, ...sharing] = largest ?? [];
    if (canonical === undefined) continue;
    for (const inode of sharing) fate.set(inode, "already-unified");
    const members = others.flat();
    fate.set(canonical, sharing.length > 0 ? "already-unified" : members.length > 0 ? "canonical" : "unique");
    for (const member of members) fate.set(member, "member");
    if (members.length > 0) words.push(canonical, members.length, ...members);
  }
  return Uint32Array.from(words);
}

function oldest(inodes: readonly number[], facts: InodeFacts): number {
  return inodes.reduce((least, inode) => Math.min(least, facts.ctime(inode)), Infinity);
}
