// npm run bench:catalog: prints what the catalog costs beside what it may cost, and fails when it costs more.
import { benchDigestSet } from "./bench-digest-set.ts";
import { benchPublish } from "./bench-publish.ts";
import { benchRedis } from "./bench-redis.ts";
import type { Measured } from "./measured.ts";

async function* all(): AsyncGenerator<Measured> {
  yield* benchDigestSet();
  yield* benchPublish();
  yield* benchRedis();
}

for await (const { what, value, unit, limit } of all()) {
  const exceeds = limit !== undefined && value > limit;
  const verdict = limit === undefined ? "" : exceeds ? `  EXCEEDS ${limit}` : `  (limit ${limit})`;
  console.log(`${what.padEnd(58)} ${value.toFixed(2).padStart(10)} ${unit}${verdict}`);
  if (exceeds) process.exitCode = 1;
}
