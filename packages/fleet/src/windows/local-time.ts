import { DAY_MS, type CivilDay } from "./civil-day.ts";
import { offsetAt } from "./zone.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;

/**
 * UTC offsets lie between −12 and +14 h, so a local time's instant lies at most so far from the same figures read as UTC.
 * One hour more on each side keeps a clock change at the very edge inside.
 */
const AHEAD = 15 * HOUR;
const BEHIND = 13 * HOUR;

/**
 * The instant (ms since the epoch) of a local time (see CivilDay) in a zone.
 * - A local time that the clocks skip (spring) is the first instant after the gap.
 * - A local time that comes twice (autumn) is its first occurrence; with `last`, its second.
 */
export function instantOf(zone: string, local: number, occurrence: "first" | "last" = "first"): number {
  const from = local - AHEAD;
  const to = local + BEHIND;
  const before = offsetAt(zone, from);
  const after = offsetAt(zone, to);
  if (before === after) return local - before;
  const candidates = [local - before, local - after].filter((at) => at + offsetAt(zone, at) === local);
  if (candidates.length === 0) return changeBetween(zone, from, to);
  return occurrence === "first" ? Math.min(...candidates) : Math.max(...candidates);
}

/** The instants of several times of one day, given as minutes after midnight in ascending order; each instant once, ascending. */
export function instantsOn(zone: string, civilDay: CivilDay, minutes: readonly number[]): number[] {
  const midnight = civilDay * DAY_MS;
  const offset = offsetAt(zone, midnight - AHEAD);
  if (offset === offsetAt(zone, midnight + DAY_MS + BEHIND)) return minutes.map((minute) => midnight + minute * MINUTE - offset);
  return [...new Set(minutes.map((minute) => instantOf(zone, midnight + minute * MINUTE)))];
}

/** The civil day that it is in the zone at an instant. */
export function civilDayAt(zone: string, at: number): CivilDay {
  return Math.floor((at + offsetAt(zone, at)) / DAY_MS);
}

/** The first instant after the one clock change between two instants, by halving. */
function changeBetween(zone: string, from: number, to: number): number {
  const before = offsetAt(zone, from);
  let low = from;
  let high = to;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(zone, middle) === before) low = middle;
    else high = middle;
  }
  return high;
}
