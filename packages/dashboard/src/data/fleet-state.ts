import type { EventView, HostView, RolloutSummary, RolloutView } from "@samepage/controller/api";
import { rolloutAfter } from "@samepage/controller/api/rollout-after";

/** What the page knows of the fleet. Replaced, never changed in place, so that views can compare by identity. */
export interface FleetState {
  readonly hosts: ReadonlyMap<string, HostView>;
  readonly rollouts: ReadonlyMap<string, RolloutSummary>;
  /** The rollout whose page is open, host by host. */
  readonly followed: RolloutView | null;
}

export const emptyFleet: FleetState = { hosts: new Map(), rollouts: new Map(), followed: null };

/** The state after a batch of events; one copy of each map a batch, however many events it holds. */
export function applyEvents(state: FleetState, events: readonly EventView[]): FleetState {
  const hosts = new Map(state.hosts);
  const rollouts = new Map(state.rollouts);
  const touched = { hosts: false, rollouts: false };
  for (const event of events) {
    if (event.type === "host") {
      const host = hosts.get(event.host);
      if (host !== undefined) hosts.set(event.host, { ...host, state: event.state, lastSeenAt: event.at });
      touched.hosts = true;
    } else if (event.type === "rollout") {
      const rollout = rollouts.get(event.rollout);
      if (rollout !== undefined) rollouts.set(event.rollout, { ...rollout, state: event.state, reason: event.reason, wave: event.wave });
      touched.rollouts = true;
    }
  }
  return {
    hosts: touched.hosts ? hosts : state.hosts,
    rollouts: touched.rollouts ? rollouts : state.rollouts,
    followed: state.followed === null ? null : rolloutAfter(state.followed, events),
  };
}

/** True when an event names something the page has never read: lists are to be read again. */
export function isNews(state: FleetState, event: EventView): boolean {
  if (event.type === "host") return !state.hosts.has(event.host);
  return event.type === "rollout" && !state.rollouts.has(event.rollout);
}
