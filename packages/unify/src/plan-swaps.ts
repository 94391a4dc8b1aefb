import { type SkipReason, skipReasons } from "./skip-reason.ts";

/** What the planner needs to know of an inode; numbers as in the candidates. */
export interface InodeFacts {
  ino(inode: number): number;
  /** Names the inode has altogether, and names found in the guests (and pool). */
  links(inode: number): number;
  names(inode: number): number;
  /** Nanoseconds since the epoch. */
  ctime(inode: number): bigint;
  isPooled(inode: number): boolean;
  /** Names that this inode may have at most, on its file system. */
  linkLimit(inode: number): number;
  /** What inodes of this file system come to share: the inode itself, or extents. */
  shares(inode: number): "links" | "extents";
  /** Why the inode cannot take part, if so. */
  hindrance(inode: number): SkipReason | undefined;
}

const fates = ["none", "canonical", "member", ...skipReasons] as const;

/** What becomes of an inode of some group; `none` for inodes of no group. */
export type InodeFate = (typeof fates)[number];

/** Fates of very many inodes, one byte each. */
export class InodeFates {
  readonly #bytes: Uint8Array;

  constructor(inodes: number) {
    this.#bytes = new Uint8Array(inodes);
  }
  get(inode: number): InodeFate {
    return fates[this.#bytes[inode] ?? 0] ?? "none";
  }
  set(inode: number, fate: InodeFate): void {
    this.#bytes[inode] = fates.indexOf(fate);
  }
}

export interface SwapPlan {
  /** Groups one after the other: canonical inode, number of members, members. */
  readonly words: Uint32Array;
  readonly fate: InodeFates;
  /** Groups that are not for links. */
  readonly extents: readonly (readonly number[])[];
}

/**
 * Decides, for groups of equal inodes, which inode the others' names become links to: one that is in the pool already,
 * else the one with most links, else the oldest. An inode that is full is followed by the next.
 * @param groups group `g` is `grouped[groupStart[g]] … grouped[groupStart[g + 1] - 1]`
 */
export function planSwaps(groups: { readonly groupStart: Uint32Array; readonly grouped: Uint32Array; readonly inodeCount: number }, facts: InodeFacts): SwapPlan {
  const words: number[] = [];
  const fate = new InodeFates(groups.inodeCount);
  const extents: number[][] = [];
  for (let group = 0; group + 1 < groups.groupStart.length; group++) {
    const inodes = Array.from(groups.grouped.subarray(groups.groupStart[group], groups.groupStart[group + 1]));
    if (facts.shares(inodes[0] ?? 0) === "extents") extents.push(inodes);
    else planGroup(inodes, facts, words, fate);
  }
  return { words: Uint32Array.from(words), fate, extents };
}

function planGroup(inodes: readonly number[], facts: InodeFacts, words: number[], fate: InodeFates): void {
  const able = inodes.filter((inode) => {
    const hindrance = facts.hindrance(inode);
    if (hindrance !== undefined) fate.set(inode, hindrance);
    return hindrance === undefined;
  });
  const pooled = able.filter((inode) => facts.isPooled(inode));
  for (const inode of pooled) fate.set(inode, "already-unified");
  // Fullest first: objects then stay few, and the emptiest becomes garbage soonest.
  const targets = [...pooled].sort((a, b) => facts.links(b) - facts.links(a) || facts.ino(a) - facts.ino(b));
  const loose = able.filter((inode) => !facts.isPooled(inode)).sort((a, b) => preferred(a, b, facts));
  while (loose.length > 0) {
    const target = targets.shift() ?? loose.shift();
    if (target === undefined) break;
    const isNew = !facts.isPooled(target);
    let room = facts.linkLimit(target) - facts.links(target) - (isNew ? 1 : 0);
    const taken: number[] = [];
    // From the back: the rest, if any, is what makes the best next target.
    for (let last = loose.at(-1); last !== undefined && facts.names(last) <= room; last = loose.at(-1)) {
      room -= facts.names(last);
      taken.push(last);
      loose.pop();
    }
    if (isNew) fate.set(target, taken.length > 0 ? "canonical" : "link-limit");
    if (taken.length === 0) continue;
    for (const member of taken) fate.set(member, "member");
    words.push(target, taken.length, ...taken);
  }
}

function preferred(a: number, b: number, facts: InodeFacts): number {
  if (facts.links(a) !== facts.links(b)) return facts.links(b) - facts.links(a);
  if (facts.ctime(a) !== facts.ctime(b)) return facts.ctime(a) < facts.ctime(b) ? -1 : 1;
  return facts.ino(a) - facts.ino(b);
}
