import type { PlainPlan } from "@samepage/linux";
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

/** The first ones as `plainFates` numbers them. */
const fates = ["none", "canonical", "member", ...skipReasons] as const;

/** What becomes of an inode of some group; `none` for inodes of no group. */
export type InodeFate = (typeof fates)[number];

const fateNumber = new Map(fates.map((fate, number) => [fate, number]));

/** Fates of very many inodes, one byte each. */
export class InodeFates {
  readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }
  get(inode: number): InodeFate {
    return fates[this.bytes[inode] ?? 0] ?? "none";
  }
  set(inode: number, fate: InodeFate): void {
    this.bytes[inode] = fateNumber.get(fate) ?? 0;
  }
  /** Skip reasons with how many of something there are, counted by the bytes' values. */
  static skips(counts: readonly number[]): [SkipReason, number][] {
    return skipReasons.map((reason, at) => [reason, counts[at + fates.length - skipReasons.length] ?? 0]);
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
 * @param plain what was decided in bulk; it becomes part of the plan, in place
 */
export function planSwaps({ groupStart, grouped }: { readonly groupStart: Uint32Array; readonly grouped: Uint32Array }, facts: InodeFacts, plain: PlainPlan): SwapPlan {
  const words = new SwapWords(plain);
  const fate = new InodeFates(plain.fates);
  const extents: number[][] = [];
  for (const group of plain.others) {
    const inodes = [...grouped.subarray(groupStart[group], groupStart[group + 1])];
    if (facts.shares(inodes[0] ?? 0) === "extents") extents.push(inodes);
    else planGroup(inodes, facts, words, fate);
  }
  return { words: words.all(), fate, extents };
}

/** The words of a plan while it is made: ten million of them in one piece, where an array would grow to several times that. */
class SwapWords {
  readonly #words: Uint32Array;
  #count: number;

  constructor({ words, wordCount }: PlainPlan) {
    this.#words = words;
    this.#count = wordCount;
  }
  push(canonical: number, members: readonly number[]): void {
    this.#words[this.#count++] = canonical;
    this.#words[this.#count++] = members.length;
    this.#words.set(members, this.#count);
    this.#count += members.length;
  }
  all(): Uint32Array {
    return this.#words.subarray(0, this.#count);
  }
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
