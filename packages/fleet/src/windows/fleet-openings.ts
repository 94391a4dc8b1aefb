import type { HostFacts } from "../host-facts.ts";
import type { FleetCalendar } from "./host-calendar.ts";
import { hostsByCalendar } from "./hosts-by-calendar.ts";
import { previewOpenings, type PreviewedOpening } from "./preview-openings.ts";

/** An opening and how many hosts share it. */
interface FleetOpening extends Omit<PreviewedOpening, "inHostZone"> {
  readonly hosts: number;
}

/** When a fleet may be worked on between two instants. */
interface FleetOpenings {
  /** In order of their beginning; what blackouts cut away is not in them. Openings of hosts without a window are left out. */
  readonly openings: readonly FleetOpening[];
  /** Hosts that no window is for: open at any time, but for blackouts. */
  readonly unrestrictedHosts: number;
}

/** Openings told for one calendar at most: a window for every minute must not fill the page. */
const MOST_PER_CALENDAR = 500;

/** The openings of all hosts that overlap `from` … `to` (ms since the epoch). */
export function fleetOpenings(fleet: FleetCalendar, hosts: Iterable<HostFacts>, from: number, to: number): FleetOpenings {
  const found = new Map<string, FleetOpening>();
  let unrestrictedHosts = 0;
  for (const { calendar, names } of hostsByCalendar(fleet, hosts)) {
    if (calendar.windows.length === 0) {
      unrestrictedHosts += names.length;
      continue;
    }
    for (const { inHostZone: _, ...opening } of previewOpenings(calendar, from, "UTC").take(MOST_PER_CALENDAR)) {
      if (opening.opensAt >= to) break;
      const key = JSON.stringify([opening.name, opening.opensAt, opening.closesAt, opening.inWindowZone.opens]);
      found.set(key, { ...opening, hosts: names.length + (found.get(key)?.hosts ?? 0) });
    }
  }
  return { openings: [...found.values()].toSorted((a, b) => a.opensAt - b.opensAt || (a.name < b.name ? -1 : 1)), unrestrictedHosts };
}
