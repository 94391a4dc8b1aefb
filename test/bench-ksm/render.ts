import { GUESTS } from "./guests.ts";
import type { Machine } from "./machine.ts";
import type { Result } from "./measure.ts";
import { judge } from "./promises.ts";

/** The results as a page. */
export function renderPage(machine: Machine, results: readonly Result[]): string {
  const rows = results.map(
    ({ name, seconds, reached, ksmd, tuner, idle, load }) =>
      `| ${name} | ${seconds === null ? `not reached (${(reached * 100).toFixed(0)} %)` : `${seconds.toFixed(1)} s`} | ${ksmd.toFixed(2)} | ${tuner.toFixed(2)} | ${idle === null ? "–" : `${(idle * 100).toFixed(2)} %`} | ${load.toFixed(1)} |`,
  );
  const promises = judge(results).map(({ what, figures, isMet }) => `| ${what} | ${figures} | ${isMet ? "met" : "**not met**"} |`);
  return `# KSM tuners beside each other

\`npm run bench:ksm\`: ${GUESTS} guests of 200 MB, 150 MB of it equal in all of them, opted in together while the tuner is running already. Time and processor seconds until 95 % of the possible merge; then ksmd's share of a core over 20 s. One after the other in one run, each on fresh guests. The figures of this page are in [ksm.json](ksm.json).

| | time to 95 % | ksmd, CPU s | tuner, CPU s | idle after | load before |
|---|---|---|---|---|---|
${rows.join("\n")}

| promised | measured | |
|---|---|---|
${promises.join("\n")}

A tuner that does not reach 95 % within its limit is not compared by processor seconds: it spent less because it merged less.

${results.map(({ name, settings }) => `- ${name}: ${settings}.`).join("\n")}

ksmtuned counts only processes called \`qemu-system… -enable-kvm\`, so the guests carry that name; it gets the SIGUSR1 that it asks for when guests start. Its tuner column holds what its loop used.

Measured ${machine.date} on ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, ${machine.distribution}; ksmtuned ${machine.ksmtuned}. The load column tells how much else the machine was doing: ksmd shares the cores with it, so times are comparable within this run only.
`;
}
