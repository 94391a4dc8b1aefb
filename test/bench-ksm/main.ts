// npm run bench:ksm [--only NAME]: prints the table and writes docs/benchmarks/ksm.md and ksm.json; fails when a promise is broken.
import { mkdirSync, writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { HOST_PATHS, readKnobs } from "@samepage/ksm";
import { contenders } from "./contenders.ts";
import { describeMachine } from "./machine.ts";
import { measure } from "./measure.ts";
import type { Result } from "./measure.ts";
import { judge } from "./promises.ts";
import { renderPage } from "./render.ts";

const { values } = parseArgs({ options: { only: { type: "string" } } });
if (process.getuid?.() !== 0) throw new Error("bench:ksm switches the machine's KSM: run it as root");
const before = JSON.stringify(readKnobs(HOST_PATHS.sysfs));
const results: Result[] = [];
for (const contender of contenders().filter(({ name }) => values.only === undefined || name.startsWith(values.only))) {
  const result = await measure(contender, loadavg()[0] ?? 0);
  results.push(result);
  console.error(`${result.name}: ${result.seconds === null ? `${(result.reached * 100).toFixed(0)} % reached` : `${result.seconds.toFixed(1)} s`}, ksmd ${result.ksmd.toFixed(2)} CPU s`);
}
if (JSON.stringify(readKnobs(HOST_PATHS.sysfs)) !== before) throw new Error("the machine's KSM is not as it was before");

const machine = describeMachine();
const page = renderPage(machine, results);
console.log(page);
if (values.only === undefined) {
  const directory = join(import.meta.dirname, "../../docs/benchmarks");
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "ksm.md"), page);
  writeFileSync(join(directory, "ksm.json"), `${JSON.stringify({ machine, results }, null, 2)}\n`);
}

const broken = judge(results).filter(({ isMet }) => !isMet);
for (const { what, figures } of broken) console.error(`bench:ksm: not met: ${what} (${figures})`);
process.exitCode = broken.length > 0 ? 1 : 0;
