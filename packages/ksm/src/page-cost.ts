import type { KsmSample } from "./ksm-sample.ts";

/** What ksmd spends on a page, in nanoseconds. */
export interface PageCost {
  /** Smoothed over the last samples. */
  readonly usual: number;
  /** The dearest of this and of the last full scan: beside cheap pages, already merged ones, come some that cost 25 times as much. */
  readonly dearest: { readonly thisScan: number; readonly lastScan: number };
}

/** Until measured: 2 × 200 MB of equal pages cost 6 µs a page and pass on the machine where this was tuned. */
const FIRST_NS = 6000;
/** Fewer scanned pages than this between two samples say little about their cost. */
const MIN_PAGES = 500;
/** Weight of the newest measurement. Costs change by an order of magnitude between checksumming and merging. */
const WEIGHT = 0.5;

export const FIRST_COST: PageCost = { usual: FIRST_NS, dearest: { thisScan: 0, lastScan: 0 } };

/**
 * The cost after one more sample; pure.
 * @param isNewScan has a full scan ended since the last sample? What pages cost two scans ago is forgotten then: a
 *   merge is dearer than anything that comes after it
 */
export function updateCost(cost: PageCost, last: KsmSample, sample: KsmSample, isNewScan: boolean): PageCost {
  const scanned = (sample.counters.pagesScanned ?? 0) - (last.counters.pagesScanned ?? 0);
  const newest = scanned < MIN_PAGES ? 0 : Math.max(0, (sample.ksmdCpuNs - last.ksmdCpuNs) / scanned);
  const { thisScan, lastScan } = cost.dearest;
  return {
    usual: newest > 0 ? cost.usual + WEIGHT * (newest - cost.usual) : cost.usual,
    dearest: isNewScan ? { thisScan: newest, lastScan: thisScan } : { thisScan: Math.max(thisScan, newest), lastScan },
  };
}

/** What to reckon with where the share of a core must not be passed: a batch made for a stretch of cheap pages takes a multiple of it in the next stretch. */
export function dearestCost({ usual, dearest }: PageCost): number {
  return Math.max(usual, dearest.thisScan, dearest.lastScan);
}
