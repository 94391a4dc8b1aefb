import type { CatalogLists } from "./digest-set.ts";
import { differenceOf, prefixCount } from "./prefix-list.ts";
import type { Segment } from "./segment.ts";

/** How a published list is made up; kept by the publisher beside the manifest. */
export interface SegmentLayout {
  /** Entries of the base. */
  baseEntries: number;
  /** Deltas behind it. */
  deltas: number;
  /** Entries added or removed by those deltas together. */
  deltaEntries: number;
}

/** What is to be sent, and how the published list is made up afterwards. */
export interface PlannedSegment {
  segment: Segment;
  layout: SegmentLayout;
}

/** Share of the base's entries that deltas may change before a new base costs newcomers less than the chain. */
const compactAtShare = 0.2;

/** Deltas an agent may have to fetch one by one; each is a round trip. */
const compactAtDeltas = 32;

/** Below this many changed entries the share does not count: rebuilding a small base again and again would send more. */
const alwaysDelta = 1000;

/**
 * Decides how the change from one list to the next is sent: a delta, or a new base when the deltas
 * reach 20 % of the base or 32 segments.
 * @param layout undefined when nothing was published yet
 * @returns undefined when the lists are equal
 */
export function planSegment(before: CatalogLists, after: CatalogLists, layout: SegmentLayout | undefined): PlannedSegment | undefined {
  if (layout === undefined) return newBase(after);
  const { removed, added } = differenceOf(before.prefixes, after.prefixes);
  const known = new Set(before.sizes);
  const addedSizes = after.sizes.filter((size) => !known.has(size));
  if (removed.length === 0 && prefixCount(added) === 0 && addedSizes.length === 0) return undefined;
  const changed = layout.deltaEntries + removed.length + prefixCount(added);
  const tooMuch = changed > alwaysDelta && changed > layout.baseEntries * compactAtShare;
  if (layout.deltas + 1 >= compactAtDeltas || tooMuch) return newBase(after);
  return {
    segment: { kind: "delta", removed, added, addedSizes },
    layout: { baseEntries: layout.baseEntries, deltas: layout.deltas + 1, deltaEntries: changed },
  };
}

function newBase(lists: CatalogLists): PlannedSegment {
  return {
    segment: { kind: "base", removed: new Uint32Array(0), added: lists.prefixes, addedSizes: lists.sizes },
    layout: { baseEntries: prefixCount(lists.prefixes), deltas: 0, deltaEntries: 0 },
  };
}
