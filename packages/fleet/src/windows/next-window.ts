import type { HostCalendar } from "./host-calendar.ts";
import { openings, type Opening } from "./openings.ts";

/** The opening that contains `after` (ms since the epoch), else the first later one; null where there is none within ten years. */
export function nextWindow(calendar: HostCalendar, after: number): Opening | null {
  for (const opening of openings(calendar, after)) return opening;
  return null;
}

/** Whether the host may be worked on at an instant, ms since the epoch. */
export function isOpen(calendar: HostCalendar, at: number): boolean {
  const opening = nextWindow(calendar, at);
  return opening !== null && opening.opensAt <= at;
}
