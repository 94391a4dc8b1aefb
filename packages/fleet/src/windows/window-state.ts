import type { HostFacts } from "../host-facts.ts";
import { DAY_MS } from "./civil-day.ts";
import type { FleetCalendar, HostCalendar } from "./host-calendar.ts";
import { hostsByCalendar } from "./hosts-by-calendar.ts";
import { nextWindow } from "./next-window.ts";
import { openings } from "./openings.ts";

/** Whether a host may be worked on now, by its maintenance windows. All times ms since the epoch. */
export interface WindowState {
  readonly open: boolean;
  /** While open: when it closes, null for never. */
  readonly closesAt: number | null;
  /** When it opened, or while closed: when it next opens, null for never. */
  readonly opensAt: number | null;
  /** When it last closed, null if not since the time that was asked for. */
  readonly lastClosedAt: number | null;
}

/** The state of a host that no maintenance window is defined for. */
export const ALWAYS_OPEN: WindowState = { open: true, closesAt: null, opensAt: null, lastClosedAt: null };

/**
 * The state of a host's windows at an instant.
 * @param now ms since the epoch.
 * @param since how far back a closing matters, ms since the epoch: the start of the rollout's wave.
 */
export function windowStateAt(calendar: HostCalendar, now: number, since: number): WindowState {
  if (calendar.windows.length === 0 && calendar.blackouts.length === 0) return ALWAYS_OPEN;
  const next = nextWindow(calendar, now);
  const open = next !== null && next.opensAt <= now;
  return {
    open,
    closesAt: open ? next.closesAt : null,
    opensAt: next?.opensAt ?? null,
    lastClosedAt: lastClosing(calendar, now, since),
  };
}

/** The states of many hosts at an instant; hosts with the same windows, blackouts and zone share one look at the calendar. */
export function windowStates(fleet: FleetCalendar, hosts: Iterable<HostFacts>, now: number, since: number): Map<string, WindowState> {
  const states = new Map<string, WindowState>();
  for (const { calendar, names } of hostsByCalendar(fleet, hosts)) {
    const state = windowStateAt(calendar, now, since);
    for (const name of names) states.set(name, state);
  }
  return states;
}

/** The last closing after `since` and not after `now`. Looks back in growing steps: it is mostly last night's. */
function lastClosing(calendar: HostCalendar, now: number, since: number): number | null {
  for (let days = 2; ; days *= 8) {
    const from = Math.max(since, now - days * DAY_MS);
    let last: number | null = null;
    for (const { closesAt } of openings(calendar, from)) {
      if (closesAt === null || closesAt > now) break;
      last = closesAt;
    }
    if (last !== null || from === since) return last;
  }
}
