import type { EventView } from "./event-view.ts";
import type { RolloutHostState, RolloutHostView, RolloutView } from "./rollout-view.ts";

/**
 * The rollout after events: pure, so a live view needs no request for each. Events about other rollouts change nothing.
 * One pass over the hosts, however many events there are.
 */
export function rolloutAfter(rollout: RolloutView, events: readonly EventView[]): RolloutView {
  const changes = new Map<string, Partial<RolloutHostView>>();
  let own: Pick<RolloutView, "state" | "reason" | "wave"> | undefined;
  for (const event of events) {
    if (event.type === "host" || event.rollout !== rollout.id) continue;
    if (event.type === "rollout") {
      own = { state: event.state, reason: event.reason, wave: event.wave };
      continue;
    }
    const change: Partial<RolloutHostView> = event.type === "progress" ? { progress: event.progress } : { state: event.state, reason: event.reason, reclaimedBytes: event.reclaimedBytes };
    changes.set(event.host, { ...changes.get(event.host), ...change });
  }
  const next = own === undefined ? rollout : { ...rollout, ...own };
  if (changes.size === 0) return next;
  const changed = (host: RolloutHostView): RolloutHostView => {
    const change = changes.get(host.host);
    return change === undefined ? host : { ...host, ...change };
  };
  const waves = next.waves.map((wave) => ({ ...wave, hosts: wave.hosts.map(changed) }));
  return { ...next, waves, ...totalsOf(waves.flatMap(({ hosts }) => hosts)) };
}

function totalsOf(hosts: readonly RolloutHostView[]): Pick<RolloutView, "hosts" | "reclaimedBytes"> {
  const count: Record<RolloutHostState, number> = { pending: 0, dispatching: 0, acknowledged: 0, running: 0, succeeded: 0, failed: 0, stopped: 0, skipped: 0 };
  let reclaimedBytes = 0;
  for (const { state, reclaimedBytes: freed } of hosts) {
    count[state] += 1;
    reclaimedBytes += freed ?? 0;
  }
  return { hosts: count, reclaimedBytes };
}
