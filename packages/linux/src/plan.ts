import { native } from "./native.ts";
import { type Candidates, type RowState, rowStates, type Tree } from "./tree.ts";

/** What a space says of its inodes to `planPlainGroups`. */
export interface PlainSpace {
  /** Whether inodes are shared; groups of a space that shares extents are never plain. */
  readonly links: boolean;
  /** Names that an inode may have at most. */
  readonly linkLimit: number;
  /** Whether a write through one name leaves the others where they are: an inode of several names is then not plain. */
  readonly partsNames: boolean;
}

/** Numbers in `PlainPlan.fates`; 0 for inodes of no plain group. */
export const plainFates = { canonical: 1, member: 2 } as const;

export interface PlainPlan {
  /** Room for a plan of all groups, of which the first `wordCount` are filled: canonical inode, number of members, members. */
  readonly words: Uint32Array;
  readonly wordCount: number;
  /** By inode. */
  readonly fates: Uint8Array;
  /** Groups that are not plain, about which nothing is decided. */
  readonly others: Uint32Array;
}

/**
 * Plans what nearly every group is: no inode of it in the pool or held by anybody, and room for all names on one, which is the
 * one with most links, else the oldest.
 * @param spaces by number of space
 * @param held numbers of inodes that somebody holds on to, on whatever file system
 */
export function planPlainGroups(tree: Tree, { groupStart, grouped, inodeCount }: Candidates, spaces: readonly PlainSpace[], held: readonly number[]): PlainPlan {
  const groups = groupStart.length - 1;
  // A swap has two inodes at least, and one word more than inodes.
  const words = new Uint32Array(Math.ceil(grouped.length * 1.5));
  const fates = new Uint8Array(inodeCount);
  const others = new Uint32Array(groups);
  const filled = native.planPlain(tree.handle, {
    spaces: Uint32Array.from(spaces.flatMap(({ links, linkLimit, partsNames }) => [links ? 1 : 0, linkLimit, partsNames ? 1 : 0])),
    held: BigUint64Array.from(held, BigInt),
    words,
    others,
    fates,
  });
  return { words, wordCount: filled.words, fates, others: others.slice(0, filled.others) };
}

/** The order of native/count-rows.h. */
const fateNumbers = 256;

/** Names outside pools by what became of them. */
export interface RowCounts {
  /** Names of no candidate, and of members that were left alone. */
  readonly byState: ReadonlyMap<RowState, number>;
  /** Names of inodes that the plan left alone, by the number of their fate. */
  readonly byFate: readonly number[];
  /** By guest: names of members that were done, and the bytes these freed, an inode's once, where its first name lies. */
  readonly guests: readonly { readonly unified: number; readonly freed: number }[];
}

/**
 * @param fates by inode of the candidates: 0, `plainFates`, or any other number for an inode that was left alone
 * @param done what became of members, by inode; undefined where all are done and free their own blocks
 */
export function countRows(tree: Tree, fates: Uint8Array, done?: { readonly states: Uint8Array | undefined; readonly freed: Float64Array }): RowCounts {
  const words = Array.from(new BigUint64Array(native.countRows(tree.handle, { fates, states: done?.states, freed: done?.freed })), Number);
  const guests = words.slice(rowStates.length + fateNumbers);
  return {
    byState: new Map(rowStates.map((state, at) => [state, words[at] ?? 0])),
    byFate: words.slice(rowStates.length, rowStates.length + fateNumbers),
    guests: Array.from({ length: guests.length / 2 }, (_, at) => ({ unified: guests[at * 2] ?? 0, freed: guests[at * 2 + 1] ?? 0 })),
  };
}

/** The number of a state in `countRows`. */
export function stateNumber(state: RowState): number {
  return rowStates.indexOf(state);
}
