import type { EventView, HostView, RolloutSummary } from "@samepage/controller/api";

/** What the page knows of the fleet. Replaced, never changed in place, so that views can compare by identity. */
export interface FleetState {
  readonly hosts: ReadonlyMap<string, HostView>;
  readonly rollouts: ReadonlyMap<string, RolloutSummary>;
  /** Grows with every event that touches a rollout, so that its open page reads it again. */
  readonly rolloutVersions: ReadonlyMap<string, number>;
}

export const emptyFleet: FleetState = { hosts: new Map(), rollouts: new Map(), rolloutVersions: new Map() };

/** The state after a batch of events; one copy of each map a batch, however many events it holds. */
export function applyEvents(state: FleetState, events: readonly EventView[]): FleetState {
  const hosts = new Map(state.hosts);
  const rollouts = new Map(state.rollouts);
  const rolloutVersions = new Map(state.rolloutVersions);
  const touched = { hosts: false, rollouts: false };
  const touch = (rollout: string) => rolloutVersions.set(rollout, (rolloutVersions.get(rollout) ?? 0) + 1);
  for (const event of events) {
    switch (event.type) {
      case "host": {
        const host = hosts.get(event.host);
        if (host !== undefined) hosts.set(event.host, { ...host, state: event.state, lastSeenAt: event.at });
        touched.hosts = true;
        break;
      }
      case "rollout": {
        const rollout = rollouts.get(event.rollout);
        if (rollout !== undefined) rollouts.set(event.rollout, { ...rollout, state: event.state, reason: event.reason, wave: event.wave });
        touched.rollouts = true;
        touch(event.rollout);
        break;
      }
      case "rollout-host":
      case "progress":
        touch(event.rollout);
        break;
    }
  }
  return { hosts: touched.hosts ? hosts : state.hosts, rollouts: touched.rollouts ? rollouts : state.rollouts, rolloutVersions };
}

/** True when an event names something the page has never read: lists are to be read again. */
export function isNews(state: FleetState, event: EventView): boolean {
  if (event.type === "host") return !state.hosts.has(event.host);
  return event.type === "rollout" && !state.rollouts.has(event.rollout);
}
