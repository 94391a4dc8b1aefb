import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageSets } from "@samepage/test-corpus";
import { loopFsSkipReason, loopFsTypes, temporaryDirectory } from "@samepage/test-support";
import { describeMachine } from "./machine.ts";
import { render } from "./render.ts";
import { type Field, prepareField, type Result, runField } from "./scenarios.ts";

const usage = `usage: npm run bench:unify -- [--full] [--fs ext4,xfs,btrfs] [--guests 1,8,32] [--set ${packageSets.join("|")}] [--runs N] [--out DIRECTORY]`;

/** Ours beside the others. By default ext4 with 4 guests, 3 runs, in some minutes; --full is all file systems, 1, 8 and 32 guests, 5 runs each, cold ones too, in hours. */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      full: { type: "boolean", default: false },
      fs: { type: "string" },
      guests: { type: "string" },
      set: { type: "string", default: "minbase" },
      runs: { type: "string" },
      out: { type: "string", default: join(import.meta.dirname, "../../docs/benchmarks") },
    },
  });
  const list = (given: string | undefined, usual: string, full: string) => (given ?? (values.full ? full : usual)).split(",");
  const names = list(values.fs, "ext4", "ext4,xfs,btrfs");
  const types = loopFsTypes.filter((type) => names.includes(type));
  const guestCounts = list(values.guests, "4", "1,8,32").map(Number);
  const runs = Number(values.runs ?? (values.full ? 5 : 3));
  const set = packageSets.find((name) => name === values.set);
  if (types.length !== names.length || set === undefined || ![...guestCounts, runs].every((number) => Number.isInteger(number) && number > 0)) {
    console.error(usage);
    return 2;
  }
  for (const type of types) {
    const reason = loopFsSkipReason(type);
    if (reason !== undefined) throw new Error(`${type}: ${reason}`);
  }
  const notice = (line: string) => console.error(line);
  const machine = await describeMachine();
  const fields: Field[] = [];
  const results: Result[] = [];
  await using scratch = await temporaryDirectory("samepage-bench-");
  await mkdir(values.out, { recursive: true });
  for (const type of types) {
    for (const guests of guestCounts) {
      const field = await prepareField(type, guests, set, scratch.path, notice);
      fields.push(field);
      results.push(...(await runField(field, { warm: runs, cold: values.full ? runs : 1 }, scratch.path, notice)));
      // After each tree, so that a run that is stopped has not run for nothing.
      await writeFile(join(values.out, "unify.json"), `${JSON.stringify({ machine, fields: fields.map(({ type, guests, files, bytes }) => ({ type, guests, files, bytes })), results }, undefined, 1)}\n`);
      await writeFile(join(values.out, "unify.md"), render(machine, fields, results));
    }
  }
  console.log(render(machine, fields, results));
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
