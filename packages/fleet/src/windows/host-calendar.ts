import type { HostFacts } from "../host-facts.ts";
import { matchesSelector } from "../selectors/selector.ts";
import { parseBlackout, parseWindow, type Blackout, type LocalSpan, type MaintenanceWindow, type Recurrence } from "./maintenance-window.ts";
import { checkZone } from "./zone.ts";

/** All windows and blackouts of a fleet, parsed once. */
export interface FleetCalendar {
  readonly windows: readonly Recurrence[];
  readonly blackouts: readonly (Recurrence | LocalSpan)[];
}

/** The windows and blackouts of one host, every zone settled. No windows means always open, but for the blackouts. */
export interface HostCalendar {
  readonly windows: readonly Recurrence[];
  readonly blackouts: readonly (Recurrence | LocalSpan)[];
}

/** Parses a fleet's windows and blackouts. @throws FleetError as `parseWindow`. */
export function createCalendar(windows: readonly MaintenanceWindow[], blackouts: readonly Blackout[]): FleetCalendar {
  return { windows: windows.map((window) => parseWindow(window)), blackouts: blackouts.map((blackout) => parseBlackout(blackout)) };
}

/** What of a fleet's calendar is for this host. A host whose zone is unknown is taken to keep UTC. */
export function calendarFor(fleet: FleetCalendar, host: HostFacts): HostCalendar {
  const zone = isZone(host.zone) ? host.zone : "UTC";
  const own = <T extends Recurrence | LocalSpan>(rules: readonly T[]): T[] =>
    rules.filter((rule) => matchesSelector(rule.selector, host)).map((rule) => (rule.zone === "host" ? Object.assign({}, rule, { zone }) : rule));
  return { windows: own(fleet.windows), blackouts: own(fleet.blackouts) };
}

function isZone(zone: string): boolean {
  try {
    checkZone(zone);
    return true;
  } catch {
    return false;
  }
}
