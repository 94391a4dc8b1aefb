import type { FleetMeasures } from "./measure-fleet.ts";

/** What is promised of a fleet's cost, and whether a run kept it. */
export interface Judgement {
  readonly what: string;
  readonly figures: string;
  readonly isMet: boolean;
}

/** Resident memory of a controller with 10,000 agents, bytes, and the share of a core it may use at rest, percent. */
const residentBytes = 0.8e9;
const restingPercent = 10;

/** Cost per agent is flat when the next thousand agents cost no more than this times the first. */
const flat = 1.1;

/** The promises are made for 10,000 agents: memory and processor time of smaller runs are scaled by their marginal cost. */
export function judge({ agents, rest, rollout, reconnect, acceptsPerSecond, alone }: FleetMeasures): Judgement[] {
  const resident = agents >= 10_000 ? rest.full.rssBytes : alone.rssBytes + rest.marginalBytes * 10_000;
  const percent = (Math.max(0, rest.full.corePercent - alone.corePercent) / agents) * 10_000 + alone.corePercent;
  const { succeeded, failed, skipped } = rollout.hosts;
  return [
    { what: `at most ${residentBytes / 1e9} GB resident at rest with 10,000 agents`, figures: `${(resident / 1e9).toFixed(2)} GB${agents >= 10_000 ? "" : " by the marginal cost"}`, isMet: resident <= residentBytes },
    { what: `at most ${restingPercent} % of a core at rest with 10,000 agents`, figures: `${percent.toFixed(1)} %`, isMet: percent <= restingPercent },
    { what: "the rollout ends, every host succeeded or failed", figures: `${rollout.state}: ${succeeded} + ${failed} of ${agents}, ${skipped} skipped`, isMet: rollout.state === "completed" && succeeded + failed === agents },
    { what: "every job is done exactly once", figures: `${rollout.endedOnce} of ${agents} ended once, ${rollout.endedTwice} twice; ${rollout.begun} begun${rollout.others.length === 0 ? "" : `; not once: ${rollout.others.join(", ")}`}`, isMet: rollout.endedOnce === agents && rollout.endedTwice === 0 },
    { what: "all agents are back after a kill", figures: `${reconnect.streams} of ${agents} in ${reconnect.seconds.toFixed(0)} s`, isMet: reconnect.streams === agents },
    { what: `never more connections accepted than the gate lets through (${acceptsPerSecond}/s)`, figures: `${reconnect.mostAcceptedPerSecond} in the busiest second`, isMet: reconnect.mostAcceptedPerSecond <= acceptsPerSecond },
    { what: "cost per agent is flat from a tenth of the fleet to all of it", figures: `${(rest.tenthBytes / 1000).toFixed(0)} kB, then ${(rest.marginalBytes / 1000).toFixed(0)} kB for each further one`, isMet: rest.marginalBytes <= rest.tenthBytes * flat },
  ];
}
