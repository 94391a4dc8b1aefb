import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { packageSets } from "@samepage/test-corpus";
import { loopFsSkipReason, loopFsTypes, temporaryDirectory } from "@samepage/test-support";
import { bundleCommand } from "./contenders.ts";
import { runCrowd } from "./crowd.ts";
import { describeMachine } from "./machine.ts";
import { nativeTool } from "./native-tool.ts";
import { render, renderTenMillion } from "./render.ts";
import { type Field, prepareField, type Result, runField } from "./scenarios.ts";
import { crowdTargets, targetsOf } from "./targets.ts";

const usage = `usage: npm run bench:unify -- [--full | --ten-million] [--fs ext4,xfs,btrfs] [--guests 1,8,32] [--set ${packageSets.join("|")}] [--runs N] [--crowd FILES] [--out DIRECTORY]`;

/** Those that compare bytes, leanest first: what our memory is judged by. */
const verifyingPeers = ["jdupes -p", "hardlink"];

/**
 * Ours beside the others. By default some minutes: ext4 in full with 8 guests, XFS and btrfs in short with 2, memory on 500,000
 * files. --full is every file system with 1, 8 and 32 guests and everyone's runs, in hours; --ten-million only plans that many files.
 */
async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      full: { type: "boolean", default: false },
      "ten-million": { type: "boolean", default: false },
      fs: { type: "string" },
      guests: { type: "string" },
      set: { type: "string", default: "web" },
      runs: { type: "string", default: "5" },
      crowd: { type: "string", default: "500000" },
      out: { type: "string", default: join(import.meta.dirname, "../../docs/benchmarks") },
    },
  });
  const list = (given: string | undefined, usual: string, full: string) => (given ?? (values.full ? full : usual)).split(",");
  const names = list(values.fs, "ext4,xfs,btrfs", "ext4,xfs,btrfs");
  const types = loopFsTypes.filter((type) => names.includes(type));
  const guestCounts = list(values.guests, "8", "1,8,32").map(Number);
  const runs = Number(values.runs);
  const crowdFiles = Number(values.crowd);
  const set = packageSets.find((name) => name === values.set);
  if (types.length !== names.length || set === undefined || ![...guestCounts, runs].every((number) => Number.isInteger(number) && number > 0) || !Number.isInteger(crowdFiles) || crowdFiles < 0) {
    console.error(usage);
    return 2;
  }
  for (const type of types) {
    const reason = loopFsSkipReason(type);
    if (reason !== undefined) throw new Error(`${type}: ${reason}`);
  }
  const notice = (line: string) => console.error(line);
  await using scratch = await temporaryDirectory("samepage-bench-");
  await bundleCommand();
  const machine = await describeMachine();
  await mkdir(values.out, { recursive: true });
  if (values["ten-million"]) {
    const crowd = await runCrowd(10_000_000, [], scratch.path, notice);
    const targets = crowdTargets(crowd);
    const page = renderTenMillion(machine, crowd);
    await writeFile(join(values.out, "ten-million.json"), `${JSON.stringify({ machine, targets, crowd }, undefined, 1)}\n`);
    await writeFile(join(values.out, "ten-million.md"), page);
    console.log(page);
    return targets.every(({ met }) => met) ? 0 : 1;
  }
  await nativeTool("floor", scratch.path);
  const fields: Field[] = [];
  const results: Result[] = [];
  const crowds = crowdFiles > 0 ? [await runCrowd(crowdFiles, verifyingPeers, scratch.path, notice)] : [];
  for (const type of types) {
    // One file system is enough to compare everything on; the others show that it holds there too.
    const short = !values.full && type !== types[0];
    for (const guests of short ? [2] : guestCounts) {
      const field = await prepareField(type, guests, short ? "minbase" : set, scratch.path, notice);
      fields.push(field);
      const each = short ? { warm: 1, cold: 0, action: 1 } : { warm: runs, cold: values.full ? runs : 3, action: values.full ? runs : 3 };
      results.push(...(await runField(field, { ...each, everyone: values.full || short }, scratch.path, notice)));
      await rm(field.image);
      // After each tree, so that a run that is stopped has not run for nothing.
      const page = render(machine, fields, results, crowds);
      const targets = [...fields.flatMap((each) => targetsOf(each, results)), ...crowds.flatMap((crowd) => crowdTargets(crowd))];
      await writeFile(join(values.out, "unify.json"), `${JSON.stringify({ machine, targets, fields: fields.map(({ type, guests, files, bytes }) => ({ type, guests, files, bytes })), crowds, results }, undefined, 1)}\n`);
      await writeFile(join(values.out, "unify.md"), page);
    }
  }
  console.log(render(machine, fields, results, crowds));
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
