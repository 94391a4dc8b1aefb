import type { EventView, RolloutHostState, RolloutHostView, RolloutView } from "@samepage/controller/api";

/** The rollout after an event: pure, so a live view needs no second request. Events about other rollouts change nothing. */
export function rolloutAfter(rollout: RolloutView, event: EventView): RolloutView {
  if (event.type === "host" || event.rollout !== rollout.id) return rollout;
  if (event.type === "rollout") return { ...rollout, state: event.state, reason: event.reason, wave: event.wave };
  const change: Partial<RolloutHostView> =
    event.type === "progress" ? { progress: event.progress } : { state: event.state, reason: event.reason, reclaimedBytes: event.reclaimedBytes };
  const waves = rollout.waves.map((wave) => ({ ...wave, hosts: wave.hosts.map((host) => (host.host === event.host ? { ...host, ...change } : host)) }));
  return { ...rollout, waves, ...totalsOf(waves.flatMap(({ hosts }) => hosts)) };
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
