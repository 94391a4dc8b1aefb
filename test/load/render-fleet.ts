import { judge } from "./fleet-targets.ts";
import type { FleetMeasures } from "./measure-fleet.ts";

/** The measures for a terminal. */
export function renderText(measures: FleetMeasures): string {
  const rows = figures(measures).map(([what, value]) => `${what.padEnd(32)} ${value}`);
  const promises = judge(measures).map(({ what, figures: found, isMet }) => `${isMet ? "met    " : "NOT MET"} ${what}: ${found}`);
  return `${measures.agents} agents on one controller, all on this machine\n\n${rows.join("\n")}\n\n${promises.join("\n")}\n`;
}

/** What was measured, by name. */
export function figures({ alone, enrol, rest, rollout, reconnect, agents }: FleetMeasures): [what: string, value: string][] {
  const { p50, p90, p99 } = rollout.dispatchMs;
  const { succeeded, failed, skipped } = rollout.hosts;
  return [
    ["controller without agents", `${megabytes(alone.rssBytes)}, ${alone.corePercent.toFixed(1)} % of a core`],
    ["enrolment", `${enrol.perSecond.toFixed(0)} agents/s, ${enrol.controllerMs.toFixed(1)} ms of the controller's core each, first stream included (the first tenth, as on real hosts); ${enrol.inBulkPerSecond.toFixed(0)} agents/s in bulk`],
    ["at rest with a tenth of the agents", `${megabytes(rest.tenth.rssBytes)}, ${kilobytes(rest.tenthBytes)} an agent, ${rest.tenth.corePercent.toFixed(1)} % of a core`],
    ["at rest with all", `${megabytes(rest.full.rssBytes)}, ${kilobytes(rest.marginalBytes)} for each further agent, ${rest.full.corePercent.toFixed(1)} % of a core`],
    ["at rest after a restart", `${megabytes(rest.again.rssBytes)}, ${kilobytes((rest.again.rssBytes - alone.rssBytes) / agents)} an agent, ${rest.again.corePercent.toFixed(1)} % of a core`],
    ["rollout", `${rollout.state} in ${rollout.seconds.toFixed(0)} s: ${succeeded} succeeded, ${failed} failed, ${skipped} skipped; ${(agents / rollout.seconds).toFixed(0)} hosts/s, ${rollout.corePercent.toFixed(0)} % of a core, ${megabytes(rollout.rssBytes)} at its end`],
    ["dispatch", `${p50} ms median, ${p90} ms 90 %, ${p99} ms 99 %`],
    ["reconnect after a kill", `${reconnect.streams} agents in ${reconnect.seconds.toFixed(0)} s, at most ${reconnect.mostAcceptedPerSecond} accepted in a second, ${reconnect.controllerMs.toFixed(1)} ms of the controller's core each`],
  ];
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(0)} MB`;
}

function kilobytes(bytes: number): string {
  return `${(bytes / 1000).toFixed(0)} kB`;
}
