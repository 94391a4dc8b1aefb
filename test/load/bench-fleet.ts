import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureFleet } from "./measure-fleet.ts";
import { renderPage, renderText } from "./render-fleet.ts";

/** `npm run bench:fleet`: what a fleet costs one controller. Prints it and writes docs/benchmarks/fleet.md and fleet.json. */
const { values } = parseArgs({
  options: {
    agents: { type: "string", default: "2000" },
    rest: { type: "string", default: "20" },
    output: { type: "string", default: join(import.meta.dirname, "../../docs/benchmarks") },
  },
});
const [loadBefore = 0] = loadavg();
const measures = await measureFleet({ agents: Number(values.agents), restMs: Number(values.rest) * 1000 }, (line) => process.stderr.write(`${line}\n`));
writeFileSync(join(values.output, "fleet.json"), `${JSON.stringify({ loadBefore, ...measures }, undefined, 2)}\n`);
writeFileSync(join(values.output, "fleet.md"), renderPage(measures, loadBefore));
process.stdout.write(renderText(measures));
