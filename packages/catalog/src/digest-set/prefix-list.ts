import { endianness } from "node:os";

/**
 * A sorted list of distinct 64-bit digest prefixes: the first 8 bytes of SHA-256, big-endian. Two
 * columns of 32-bit halves, because 64-bit numbers would be objects in JavaScript: 8 bytes an entry.
 */
export interface PrefixList {
  readonly high: Uint32Array;
  readonly low: Uint32Array;
}

export const noPrefixes: PrefixList = { high: new Uint32Array(0), low: new Uint32Array(0) };

/** Number of entries. */
export function prefixCount(list: PrefixList): number {
  return list.high.length;
}

/** Sorts and deduplicates the prefixes of digests given one after another, 32 (or at least 8) bytes each. */
export function prefixesOf(digests: readonly Uint8Array[]): PrefixList {
  const keys = new BigUint64Array(digests.length);
  for (const [index, digest] of digests.entries()) {
    const view = new DataView(digest.buffer, digest.byteOffset, 8);
    keys[index] = view.getBigUint64(0);
  }
  return fromSorted(keys.sort());
}

/** Builds a list from sorted 64-bit keys, dropping repeats. */
export function fromSorted(keys: BigUint64Array): PrefixList {
  const halves = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2);
  const [lowAt, highAt] = endianness() === "LE" ? [0, 1] : [1, 0];
  const high = new Uint32Array(keys.length);
  const low = new Uint32Array(keys.length);
  let count = 0;
  for (let i = 0; i < keys.length; i++) {
    const h = halves[2 * i + highAt] ?? 0;
    const l = halves[2 * i + lowAt] ?? 0;
    if (count > 0 && high[count - 1] === h && low[count - 1] === l) continue;
    high[count] = h;
    low[count++] = l;
  }
  return count === keys.length ? { high, low } : { high: high.slice(0, count), low: low.slice(0, count) };
}

/** Negative, 0 or positive as entry `i` of `a` sorts before, with or after entry `j` of `b`. */
function comparePrefix(a: PrefixList, i: number, b: PrefixList, j: number): number {
  return (a.high[i] ?? 0) - (b.high[j] ?? 0) || (a.low[i] ?? 0) - (b.low[j] ?? 0);
}

/**
 * The list after a delta: without the entries at the removed positions, with the added ones.
 * @param removed ascending positions in `list`
 */
export function applyDelta(list: PrefixList, removed: Uint32Array, added: PrefixList): PrefixList {
  const total = prefixCount(list) - removed.length + prefixCount(added);
  const high = new Uint32Array(total);
  const low = new Uint32Array(total);
  let out = 0;
  let from = 0;
  let drop = 0;
  let add = 0;
  while (out < total) {
    if (removed[drop] === from) {
      from++;
      drop++;
      continue;
    }
    const takeAdded = add < prefixCount(added) && (from >= prefixCount(list) || comparePrefix(added, add, list, from) < 0);
    const source = takeAdded ? added : list;
    const index = takeAdded ? add++ : from++;
    high[out] = source.high[index] ?? 0;
    low[out++] = source.low[index] ?? 0;
  }
  return { high, low };
}

/** What turns `before` into `after`: positions to remove and prefixes to add. Linear in both. */
export function differenceOf(before: PrefixList, after: PrefixList): { removed: Uint32Array; added: PrefixList } {
  const removed: number[] = [];
  const addedAt: number[] = [];
  let i = 0;
  let j = 0;
  while (i < prefixCount(before) || j < prefixCount(after)) {
    const order = i >= prefixCount(before) ? 1 : j >= prefixCount(after) ? -1 : comparePrefix(before, i, after, j);
    if (order < 0) removed.push(i++);
    else if (order > 0) addedAt.push(j++);
    else {
      i++;
      j++;
    }
  }
  const high = Uint32Array.from(addedAt, (at) => after.high[at] ?? 0);
  const low = Uint32Array.from(addedAt, (at) => after.low[at] ?? 0);
  return { removed: Uint32Array.from(removed), added: { high, low } };
}

/** Union of two lists. */
export function unionOf(a: PrefixList, b: PrefixList): PrefixList {
  return applyDelta(a, new Uint32Array(0), differenceOf(a, b).added);
}
