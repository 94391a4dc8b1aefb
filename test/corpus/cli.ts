import { parseArgs } from "node:util";
import { buildCorpus } from "./build-corpus.ts";
import { packageSets } from "./package-sets.ts";

const usage = `usage: node cli.ts DIRECTORY [--guests N] [--set ${packageSets.join("|")}] [--seed N] [--json]`;

/** Builds guests in a directory and prints where they are; exit code 2 for bad usage, 1 for what failed. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      guests: { type: "string", default: "4" },
      set: { type: "string", default: "minbase" },
      seed: { type: "string", default: "1" },
      json: { type: "boolean", default: false },
    },
  });
  const [directory] = positionals;
  const set = packageSets.find((name) => name === values.set);
  if (directory === undefined || positionals.length > 1 || set === undefined) {
    console.error(usage);
    return 2;
  }
  const guests = await buildCorpus({ directory, guests: Number(values.guests), set, seed: Number(values.seed), notice: (line) => console.error(line) });
  if (values.json) console.log(JSON.stringify({ guests }));
  else for (const guest of guests) console.log(guest.path);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
