import type { DayParts } from "./civil-day.ts";
import { parseCalendar } from "./parse-calendar.ts";
import { parseCron } from "./parse-cron.ts";

/** A repeating moment of local time: on which days, and when on them. */
export interface Schedule {
  readonly text: string;
  readonly matchesDay: (day: DayParts) => boolean;
  /** Minutes after midnight, ascending. */
  readonly minutes: readonly number[];
}

/**
 * Reads a schedule, in either of two forms:
 * - cron, five fields: `30 23 * * sat`. Lists, ranges, steps and names as in crontab(5), where a day matches if the day of the month
 *   or the weekday does when both are given; also `L` (last day of the month), `sat#2` (second Saturday), `satL` (last Saturday).
 * - calendar, anything with a time of day: `Sat 23:30`, `Mon..Fri 02:00,14:00`, `Sat *-*-1..7 03:00`, `2026-12-24 22:00`:
 *   weekdays and date are optional, and a day matches if both do.
 * @throws FleetError `bad-schedule` with the position of the mistake.
 */
export function parseSchedule(text: string): Schedule {
  return text.includes(":") ? parseCalendar(text) : parseCron(text);
}
