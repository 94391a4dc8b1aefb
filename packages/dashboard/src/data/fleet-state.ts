import type { EventView, FleetSummaryView, HostView, RolloutSummary, RolloutView } from "@samepage/controller/api";
import { rolloutAfter } from "@samepage/controller/api/rollout-after";

/** What the page knows of the fleet. Replaced, never changed in place, so that views can compare by identity. */
export interface FleetState {
  /** Whether the push stream is open. */
  readonly connected: boolean;
  /** Null until it is read. */
  readonly summary: FleetSummaryView | null;
  /** Those that are read: none before a view lists them, all once `hostsComplete`. */
  readonly hosts: ReadonlyMap<string, HostView>;
  readonly hostsComplete: boolean;
  /** What the stream has said of hosts since the page opened, whether they are in `hosts` or not. */
  readonly heard: ReadonlyMap<string, HostView["state"]>;
  readonly rollouts: ReadonlyMap<string, RolloutSummary>;
  /** The rollout whose page is open, host by host. */
  readonly followed: RolloutView | null;
}

export const emptyFleet: FleetState = { connected: false, summary: null, hosts: new Map(), hostsComplete: false, heard: new Map(), rollouts: new Map(), followed: null };

/** The state after a batch of events; one copy of each map that they touch, however many events it holds. */
export function applyEvents(state: FleetState, events: readonly EventView[]): FleetState {
  let hosts: Map<string, HostView> | undefined;
  let heard: Map<string, HostView["state"]> | undefined;
  let rollouts: Map<string, RolloutSummary> | undefined;
  for (const event of events) {
    if (event.type === "host") {
      heard ??= new Map(state.heard);
      heard.set(event.host, event.state);
      const host = (hosts ?? state.hosts).get(event.host);
      if (host === undefined) continue;
      hosts ??= new Map(state.hosts);
      hosts.set(event.host, { ...host, state: event.state, lastSeenAt: event.at });
    } else if (event.type === "rollout") {
      const rollout = (rollouts ?? state.rollouts).get(event.rollout);
      if (rollout === undefined) continue;
      rollouts ??= new Map(state.rollouts);
      rollouts.set(event.rollout, { ...rollout, state: event.state, reason: event.reason, wave: event.wave });
    }
  }
  return {
    ...state,
    hosts: hosts ?? state.hosts,
    heard: heard ?? state.heard,
    rollouts: rollouts ?? state.rollouts,
    followed: state.followed === null ? null : rolloutAfter(state.followed, events),
  };
}

/** True when an event names something that the lists which were read do not hold: they are to be read again. */
export function isNews(state: FleetState, event: EventView): boolean {
  if (event.type === "host") return state.hostsComplete && !state.hosts.has(event.host);
  return event.type === "rollout" && !state.rollouts.has(event.rollout);
}
