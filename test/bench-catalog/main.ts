// npm run bench:catalog: prints what the catalog costs beside what it may cost, writes docs/benchmarks/catalog.md and
// catalog.json, and fails when it costs more.
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { benchDigestSet } from "./bench-digest-set.ts";
import { benchPublish } from "./bench-publish.ts";
import { benchRedis } from "./bench-redis.ts";
import type { Measured } from "./measured.ts";
import { describeMachine, isMet, lineOf, renderPage } from "./render.ts";

async function* all(): AsyncGenerator<Measured> {
  yield* benchDigestSet();
  yield* benchPublish();
  yield* benchRedis();
}

const machine = describeMachine(loadavg()[0] ?? 0);
const results: Measured[] = [];
for await (const measured of all()) {
  results.push(measured);
  console.log(lineOf(measured));
}
const directory = join(import.meta.dirname, "../../docs/benchmarks");
writeFileSync(join(directory, "catalog.md"), renderPage(machine, results));
writeFileSync(join(directory, "catalog.json"), `${JSON.stringify({ machine, results }, null, 2)}\n`);
process.exitCode = results.some((measured) => isMet(measured) === false) ? 1 : 0;
