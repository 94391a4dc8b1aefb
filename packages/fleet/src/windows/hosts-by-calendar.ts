import type { HostFacts } from "../host-facts.ts";
import { calendarFor, type FleetCalendar, type HostCalendar } from "./host-calendar.ts";

/** Hosts that share every window, blackout and zone, so that their calendar is looked at once. */
export interface CalendarGroup {
  readonly calendar: HostCalendar;
  readonly names: readonly string[];
}

/** Hosts grouped by what of the fleet's calendar is for them. */
export function hostsByCalendar(fleet: FleetCalendar, hosts: Iterable<HostFacts>): CalendarGroup[] {
  const groups = new Map<string, { readonly calendar: HostCalendar; readonly names: string[] }>();
  for (const host of hosts) {
    const calendar = calendarFor(fleet, host);
    const key = [calendar.windows, calendar.blackouts].map((rules) => rules.map(({ name, zone }) => `${name}\0${zone}`).join("\0")).join("\0\0");
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { calendar, names: [host.name] });
    else group.names.push(host.name);
  }
  return [...groups.values()];
}
