import type { FleetOpeningView } from "@samepage/controller/api";

/** One day of the viewer's calendar and the openings that touch it. */
export interface CalendarDay {
  /** Local midnight, ms since the epoch. */
  readonly start: number;
  readonly openings: readonly FleetOpeningView[];
}

/**
 * The openings of `count` days from the day of `now` on, by the viewer's own clock: an opening stands on each day that it
 * touches. Days are local days, of 23 or 25 hours where the clocks change.
 */
export function calendarDays(openings: readonly FleetOpeningView[], now: number, count: number): CalendarDay[] {
  const first = new Date(now);
  return Array.from({ length: count }, (_, index) => {
    const start = midnight(first, index);
    const end = midnight(first, index + 1);
    return { start, openings: openings.filter(({ opensAt, closesAt }) => Date.parse(opensAt) < end && (closesAt === null || Date.parse(closesAt) > start)) };
  });
}

function midnight(date: Date, days: number): number {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days).getTime();
}
