import { CatalogError } from "../catalog-error.ts";
import type { BitReader } from "./bit-reader.ts";
import type { BitWriter } from "./bit-writer.ts";
import { prefixCount } from "./prefix-list.ts";
import type { PrefixList } from "./prefix-list.ts";

/**
 * Rice parameter for `count` entries spread evenly over 64 bits: the mean gap is 2⁶⁴/count, and
 * log2(mean·ln 2) is the optimum (Golomb, IEEE Trans. IT 12, 1966). 45.6 bits an entry at a million.
 */
function riceParameter(count: number): number {
  if (count === 0) return 32;
  return Math.min(63, Math.max(32, Math.round(64 - Math.log2(count) + Math.log2(Math.LN2))));
}

/** Writes a sorted list as Rice-coded gaps. The sum of quotients is bounded by the range, so no list of prefixes, however crafted, codes long. */
export function writePrefixes(bits: BitWriter, list: PrefixList): void {
  const k = riceParameter(prefixCount(list));
  let beforeHigh = 0;
  let beforeLow = 0;
  for (let i = 0; i < prefixCount(list); i++) {
    const high = list.high[i] ?? 0;
    const low = list.low[i] ?? 0;
    const borrow = low < beforeLow ? 1 : 0;
    const gapLow = (low - beforeLow) >>> 0;
    const gapHigh = high - beforeHigh - borrow;
    // k ≥ 32: the low half is all remainder.
    bits.writeUnary(Math.floor(gapHigh / 2 ** (k - 32)));
    bits.write(gapLow, 32);
    bits.write(gapHigh % 2 ** (k - 32), k - 32);
    beforeHigh = high;
    beforeLow = low;
  }
}

/**
 * Reads `count` prefixes back.
 * @throws CatalogError `segment-corrupt` when the bytes cannot hold so many, or do not ascend.
 */
export function readPrefixes(bits: BitReader, count: number): PrefixList {
  const k = riceParameter(count);
  // Before anything is allocated: a lie about the count must not cost memory.
  if (Math.ceil((count * (k + 1)) / 8) > bits.remaining + 1) throw new CatalogError("segment-corrupt", `${count} prefixes in ${bits.remaining} bytes`);
  const high = new Uint32Array(count);
  const low = new Uint32Array(count);
  let beforeHigh = 0;
  let beforeLow = 0;
  for (let i = 0; i < count; i++) {
    const quotient = bits.readUnary();
    const gapLow = bits.read(32);
    const gapHigh = quotient * 2 ** (k - 32) + bits.read(k - 32);
    const sumLow = beforeLow + gapLow;
    const sumHigh = beforeHigh + gapHigh + (sumLow > 0xffffffff ? 1 : 0);
    if (sumHigh > 0xffffffff || (i > 0 && gapLow === 0 && gapHigh === 0)) throw new CatalogError("segment-corrupt", "its prefixes do not ascend");
    beforeHigh = sumHigh;
    beforeLow = sumLow >>> 0;
    high[i] = beforeHigh;
    low[i] = beforeLow;
  }
  return { high, low };
}

/** Numbers coded together under one parameter: long enough that its 6 bits do not count, short enough to follow the data. */
const blockLength = 64;

/** Writes ascending distinct numbers (file sizes, positions) as gaps, each block under its own best parameter. Numbers < 2⁵³. */
export function writeAscending(bits: BitWriter, numbers: readonly number[] | Uint32Array): void {
  let before = -1;
  for (let start = 0; start < numbers.length; start += blockLength) {
    const gaps: number[] = [];
    for (let i = start; i < Math.min(numbers.length, start + blockLength); i++) {
      gaps.push((numbers[i] ?? 0) - before - 1);
      before = numbers[i] ?? 0;
    }
    const k = bestParameter(gaps);
    bits.write(k, 6);
    for (const gap of gaps) {
      bits.writeUnary(Math.floor(gap / 2 ** k));
      writeWide(bits, gap % 2 ** k, k);
    }
  }
}

/** Reads `count` ascending numbers back. @throws CatalogError `segment-corrupt` when they cannot be there or exceed 2⁵³. */
export function readAscending(bits: BitReader, count: number): number[] {
  if (count > bits.remaining * 8 + 8) throw new CatalogError("segment-corrupt", `${count} numbers in ${bits.remaining} bytes`);
  const numbers: number[] = [];
  let before = -1;
  let k = 0;
  for (let i = 0; i < count; i++) {
    if (i % blockLength === 0) k = bits.read(6);
    if (k > 52) throw new CatalogError("segment-corrupt", `a Rice parameter of ${k}`);
    before += 1 + bits.readUnary() * 2 ** k + readWide(bits, k);
    if (before > Number.MAX_SAFE_INTEGER) throw new CatalogError("segment-corrupt", "a size beyond 2^53");
    numbers.push(before);
  }
  return numbers;
}

function bestParameter(gaps: readonly number[]): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let k = 0; k <= 52; k++) {
    const cost = gaps.reduce((sum, gap) => sum + 1 + k + Math.floor(gap / 2 ** k), 0);
    if (cost < least) {
      least = cost;
      best = k;
    }
  }
  return best;
}

function writeWide(bits: BitWriter, value: number, count: number): void {
  bits.write(value % 2 ** 32, Math.min(32, count));
  if (count > 32) bits.write(Math.floor(value / 2 ** 32), count - 32);
}

function readWide(bits: BitReader, count: number): number {
  const low = bits.read(Math.min(32, count));
  return count > 32 ? low + bits.read(count - 32) * 2 ** 32 : low;
}
