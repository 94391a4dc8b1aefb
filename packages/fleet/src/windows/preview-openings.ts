import type { HostCalendar } from "./host-calendar.ts";
import { openings, type Opening } from "./openings.ts";
import { formatInZone } from "./zone.ts";

/** An opening with its ends written out for people. */
export interface PreviewedOpening extends Opening {
  /** Start and end in the window's zone, e.g. `Sat 2026-11-28 23:30 CET`; null for an end that never comes. */
  readonly inWindowZone: { readonly opens: string; readonly closes: string | null };
  /** The same in the host's zone. */
  readonly inHostZone: { readonly opens: string; readonly closes: string | null };
}

/** The next openings as they are asked for, beginning with one that is open at `after` (ms since the epoch). */
export function* previewOpenings(calendar: HostCalendar, after: number, hostZone: string): Generator<PreviewedOpening, undefined> {
  for (const opening of openings(calendar, after)) {
    const windowZone = calendar.windows.find(({ name }) => name === opening.name)?.zone ?? hostZone;
    const { name, opensAt, closesAt } = opening;
    yield { name, opensAt, closesAt, inWindowZone: written(opening, windowZone), inHostZone: written(opening, hostZone) };
  }
}

function written({ opensAt, closesAt }: Opening, zone: string): { opens: string; closes: string | null } {
  return { opens: formatInZone(zone, opensAt), closes: closesAt === null ? null : formatInZone(zone, closesAt) };
}
