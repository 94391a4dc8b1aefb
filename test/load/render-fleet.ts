import { cpus, release, totalmem } from "node:os";
import { judge } from "./fleet-targets.ts";
import type { FleetMeasures } from "./measure-fleet.ts";

/** The measures for a terminal. */
export function renderText(measures: FleetMeasures): string {
  const rows = figures(measures).map(([what, value]) => `${what.padEnd(32)} ${value}`);
  const promises = judge(measures).map(({ what, figures: found, isMet }) => `${isMet ? "met    " : "NOT MET"} ${what}: ${found}`);
  return `${measures.agents} agents on one controller, all on this machine\n\n${rows.join("\n")}\n\n${promises.join("\n")}\n`;
}

/** The measures as a page. @param loadBefore runnable processes over the minute before the run. */
export function renderPage(measures: FleetMeasures, loadBefore: number): string {
  const rows = figures(measures).map(([what, value]) => `| ${what} | ${value} |`);
  const promises = judge(measures).map(({ what, figures: found, isMet }) => `| ${what} | ${found} | ${isMet ? "met" : "**not met**"} |`);
  return `# A fleet on one controller

\`npm run bench:fleet -- --agents ${measures.agents}\`: Redis, one controller with the environment of its packaged unit, and ${measures.agents} real agents (mutual TLS, state directories of their own; only the engine is simulated) share this machine. A rollout goes over all of them in three waves; 5 % of the jobs fail, 2 % of the agents are cut off in their job and start again. Then the controller is killed. The figures of this page are in [fleet.json](fleet.json).

| promised | measured | |
|---|---|---|
${promises.join("\n")}

| | |
|---|---|
${rows.join("\n")}

Measured ${new Date().toISOString().slice(0, 10)} on ${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}. The load before the run was ${loadBefore.toFixed(1)}: times and rates of a busy machine are lower bounds, memory is not affected.
`;
}

function figures({ alone, enrol, rest, rollout, reconnect, agents }: FleetMeasures): [what: string, value: string][] {
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
