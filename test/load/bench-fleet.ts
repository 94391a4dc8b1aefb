import { parseArgs } from "node:util";
import { type FleetMeasures, measureFleet } from "./measure-fleet.ts";

/** `npm run bench:fleet`: prints what a fleet costs one controller. */
const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "1000" },
    simulators: { type: "string", default: "1" },
    rest: { type: "string", default: "30" },
    json: { type: "boolean", default: false },
  },
});
const measures = await measureFleet({ agents: Number(values.agents), simulators: Number(values.simulators), restMs: Number(values.rest) * 1000 }, (line) => process.stderr.write(`${line}\n`));
process.stdout.write(values.json ? `${JSON.stringify(measures)}\n` : describe(measures));

function describe({ agents, enrol, rest, rollout, reconnect }: FleetMeasures): string {
  const { p50, p90, p99 } = rollout.dispatchMs;
  const { succeeded, failed, skipped } = rollout.hosts;
  return `${agents} agents on one controller, all on this machine
enrolment    ${enrol.perSecond.toFixed(0)} agents/s (${enrol.seconds.toFixed(1)} s)
at rest      ${(rest.rssBytes / 1e6).toFixed(0)} MB resident, ${(rest.bytesPerAgent / 1000).toFixed(0)} kB an agent, ${rest.corePercent.toFixed(1)} % of a core
rollout      ${rollout.state} in ${rollout.seconds.toFixed(1)} s: ${succeeded} succeeded, ${failed} failed, ${skipped} skipped, ${rollout.begun} jobs begun; ${(agents / rollout.seconds).toFixed(0)} hosts/s, ${rollout.corePercent.toFixed(0)} % of a core
dispatch     ${p50} ms median, ${p90} ms 90 %, ${p99} ms 99 %
reconnect    all back in ${reconnect.seconds.toFixed(0)} s after a kill, at most ${reconnect.mostPerSecond.toFixed(0)}/s; then ${(reconnect.rssBytes / 1e6).toFixed(0)} MB resident, ${(reconnect.bytesPerAgent / 1000).toFixed(0)} kB an agent
`;
}
