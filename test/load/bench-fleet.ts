import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { FleetRun } from "./fleet-run.ts";
import { measureFleet } from "./measure-fleet.ts";
import { renderPage } from "./render-fleet-page.ts";
import { renderText } from "./render-fleet.ts";

/**
 * `npm run bench:fleet`: what a fleet costs one controller. Prints it and writes docs/benchmarks/fleet.json and fleet.md, where
 * runs of other sizes stay until they are repeated.
 */
const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "2000" },
    rest: { type: "string", default: "20" },
    output: { type: "string", default: join(import.meta.dirname, "../../docs/benchmarks") },
  },
});
const file = join(values.output, "fleet.json");
/** Until the catalogs that agents ask for when they come have been asked for. */
const settleMs = 60_000;
const [loadBefore = 0] = loadavg();
const measures = await measureFleet({ agents: Number(values.agents), settleMs, restMs: Number(values.rest) * 1000 }, (line) => process.stderr.write(`${line}\n`));
const machine = `${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.version}`;
const before: readonly FleetRun[] = existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).runs : [];
const run: FleetRun = { on: new Date().toISOString().slice(0, 10), machine, loadBefore, measures };
const runs = [...before.filter((other) => other.measures.agents !== measures.agents), run].toSorted((a, b) => a.measures.agents - b.measures.agents);
writeFileSync(file, `${JSON.stringify({ runs }, undefined, 2)}\n`);
writeFileSync(join(values.output, "fleet.md"), renderPage(runs));
process.stdout.write(renderText(measures));
