import { type SkipReason, skipReasons } from "./skip-reason.ts";

/** What the planner needs to know of an inode; numbers as in the candidates. */
export interface InodeFacts {
  ino(inode: number): number;
  /** Names the inode has altogether, and names found in the guests (and pool). */
  links(inode: number): number;
  names(inode: number): number;
  /** Nanoseconds since the epoch, as exactly as a double holds them (256 ns): enough to choose by. */
  ctime(inode: number): number;
  isPooled(inode: number): boolean;
  /** Whether no name may be added to this object, because those who share it would be open to a writer meanwhile. */
  isSealed(inode: number): boolean;
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

const fateNumber = new Map(fates.map((fate, number) => [fate, number]));

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
    this.#bytes[inode] = fateNumber.get(fate) ?? 0;
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
 * else the one with most links, else the oldest. An inode that is full, or sealed, is followed by the next.
 * @param groups group `g` is `grouped[groupStart[g]] … grouped[groupStart[g + 1] - 1]`
 */
export function planSwaps(groups: { readonly groupStart: Uint32Array; readonly grouped: Uint32Array; readonly inodeCount: number }, facts: InodeFacts): SwapPlan {
  const words = new SwapWords(groups.grouped.length);
  const fate = new InodeFates(groups.inodeCount);
  const extents: number[][] = [];
  for (let group = 0; group + 1 < groups.groupStart.length; group++) {
    const [from = 0, to = 0] = [groups.groupStart[group], groups.groupStart[group + 1]];
    if (facts.shares(groups.grouped[from] ?? 0) === "extents") extents.push([...groups.grouped.subarray(from, to)]);
    else if (!planPlainGroup(groups.grouped, from, to, facts, words, fate)) planGroup([...groups.grouped.subarray(from, to)], facts, words, fate);
  }
  return { words: words.all(), fate, extents };
}

/** The words of a plan while it is made: ten million of them in one piece, where an array would grow to several times that. */
class SwapWords {
  readonly #words: Uint32Array;
  #count = 0;

  /** @param inodes how many inodes there are in all groups: each swap's words are at most one more than its inodes, and it has two or more */
  constructor(inodes: number) {
    this.#words = new Uint32Array(Math.ceil(inodes * 1.5));
  }
  push(canonical: number, members: readonly number[]): void {
    this.#words[this.#count++] = canonical;
    this.#words[this.#count++] = members.length;
    this.#words.set(members, this.#count);
    this.#count += members.length;
  }
  /** All inodes of a group become members but one, from the last to the first. */
  pushGroup(canonical: number, grouped: Uint32Array, from: number, to: number): void {
    this.#words[this.#count++] = canonical;
    this.#words[this.#count++] = to - from - 1;
    for (let at = to - 1; at >= from; at--) {
      const member = grouped[at] ?? 0;
      if (member !== canonical) this.#words[this.#count++] = member;
    }
  }
  all(): Uint32Array {
    return this.#words.subarray(0, this.#count);
  }
}

/**
 * What nearly every group is: no inode of it hindered or in the pool, and room for all names on one. There may be millions,
 * so nothing is allocated for it.
 * @returns false, with nothing decided, for a group of any other kind
 */
function planPlainGroup(grouped: Uint32Array, from: number, to: number, facts: InodeFacts, words: SwapWords, fate: InodeFates): boolean {
  let canonical = grouped[from] ?? 0;
  let names = 0;
  for (let at = from; at < to; at++) {
    const inode = grouped[at] ?? 0;
    if (facts.hindrance(inode) !== undefined || facts.isPooled(inode)) return false;
    names += facts.names(inode);
    if (betterFirst(inode, canonical, facts) < 0) canonical = inode;
  }
  // One more name is the pool's own.
  if (facts.links(canonical) + 1 + names - facts.names(canonical) > facts.linkLimit(canonical)) return false;
  for (let at = from; at < to; at++) fate.set(grouped[at] ?? 0, "member");
  fate.set(canonical, "canonical");
  words.pushGroup(canonical, grouped, from, to);
  return true;
}

/** The order in which inodes outside the pool are chosen to stay. */
function betterFirst(a: number, b: number, facts: InodeFacts): number {
  return facts.links(b) - facts.links(a) || facts.ctime(a) - facts.ctime(b) || facts.ino(a) - facts.ino(b);
}

function planGroup(inodes: readonly number[], facts: InodeFacts, words: SwapWords, fate: InodeFates): void {
  const able = inodes.filter((inode) => {
    const hindrance = facts.hindrance(inode);
    if (hindrance !== undefined) fate.set(inode, hindrance);
    return hindrance === undefined;
  });
  const targets: number[] = [];
  const loose: number[] = [];
  let sealed = 0;
  for (const inode of able) {
    const isPooled = facts.isPooled(inode);
    if (isPooled) fate.set(inode, "already-unified");
    if (!isPooled) loose.push(inode);
    else if (facts.isSealed(inode)) sealed++;
    else targets.push(inode);
  }
  // Fullest first: objects then stay few, and the emptiest becomes garbage soonest.
  targets.sort((a, b) => facts.links(b) - facts.links(a) || facts.ino(a) - facts.ino(b));
  loose.sort((a, b) => betterFirst(a, b, facts));
  while (loose.length > 0) {
    const pooled = targets.shift();
    const target = pooled ?? loose.shift();
    if (target === undefined) break;
    const isNew = pooled === undefined;
    let room = facts.linkLimit(target) - facts.links(target) - (isNew ? 1 : 0);
    const taken: number[] = [];
    // From the back: the rest, if any, is what makes the best next target.
    for (let last = loose.at(-1); last !== undefined && facts.names(last) <= room; last = loose.at(-1)) {
      room -= facts.names(last);
      taken.push(last);
      loose.pop();
    }
    if (isNew) fate.set(target, taken.length > 0 ? "canonical" : sealed > 0 ? "immutable" : "link-limit");
    if (taken.length === 0) continue;
    for (const member of taken) fate.set(member, "member");
    words.push(target, taken);
  }
}
