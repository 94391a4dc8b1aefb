// npm run bench:catalog: prints what the catalog costs beside what it may cost, and fails when it costs more.
import { benchDigestSet } from "./bench-digest-set.ts";
import type { Measured } from "./measured.ts";

const results: Measured[] = [...benchDigestSet()];
for (const { what, value, unit, limit } of results) {
  const verdict = limit === undefined ? "" : value <= limit ? `  (limit ${limit})` : `  EXCEEDS ${limit}`;
  console.log(`${what.padEnd(58)} ${value.toFixed(2).padStart(10)} ${unit}${verdict}`);
}
process.exitCode = results.some(({ value, limit }) => limit !== undefined && value > limit) ? 1 : 0;
