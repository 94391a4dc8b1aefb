import { randomBytes } from "node:crypto";
import { mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildCorpus, type PackageSet } from "@samepage/test-corpus";
import { type LoopFs, type LoopFsType, openLoopFs, run } from "@samepage/test-support";
import { type Contender, contenders } from "./contenders.ts";
import { type Cost, measure, medianCost, weigh } from "./measure.ts";

export const scenarios = ["report, warm", "report, cold", "action, warm", "second pass", "after 1 % changed"] as const;

/** One contender in one scenario on one tree. */
export interface Result {
  readonly fileSystem: LoopFsType;
  readonly guests: number;
  readonly scenario: (typeof scenarios)[number];
  readonly contender: string;
  readonly proof: Contender["proof"];
  readonly identity: Contender["identity"];
  /** Medians over `runs`; absent when it failed. */
  readonly cost?: Cost;
  readonly runs: number;
  /** Inodes that went away, and bytes the file system got back. */
  readonly merged?: number;
  readonly freed?: number;
  readonly failure?: string;
}

/** A tree as built, kept as an image; every contender acts on a copy of its own. */
export interface Field {
  readonly type: LoopFsType;
  readonly guests: number;
  readonly image: string;
  /** Regular, not empty. */
  readonly files: number;
  /** On disk. */
  readonly bytes: number;
}

/** How often each contender runs; cold ones wait for the disk and are fewer. */
export interface Runs {
  readonly warm: number;
  readonly cold: number;
}

/** Builds the guests on a file system of their own and keeps its image in `scratch`. */
export async function prepareField(type: LoopFsType, guests: number, set: PackageSet, scratch: string, notice: (line: string) => void): Promise<Field> {
  const fs = await openLoopFs(type, 512 + guests * 900);
  try {
    const tree = join(fs.mount, "guests");
    await buildCorpus({ directory: tree, guests, set, notice });
    const sums = await run("sh", ["-c", 'find "$1" -type f -size +0 -printf "%b\\n" | awk \'{ files++; blocks += $1 } END { print files, blocks * 512 }\'', "find", tree]);
    const [files = 0, bytes = 0] = sums.split(" ").map(Number);
    const image = join(scratch, `${type}-${guests}.image`);
    await fs.remount();
    await run("cp", ["--sparse=always", fs.image, image]);
    return { type, guests, image, files, bytes };
  } finally {
    await fs[Symbol.asyncDispose]();
  }
}

/** Runs every scenario on a field. Rounds go through all contenders in turn, so that a busy moment of the machine hits all alike. */
export async function runField(field: Field, runs: Runs, scratch: string, notice: (line: string) => void): Promise<Result[]> {
  const able = contenders.filter(({ fileSystems }) => fileSystems === undefined || fileSystems.includes(field.type));
  const results = await reports(field, able, runs, scratch, notice);
  for (const contender of able) {
    if (contender.action !== undefined) results.push(...(await actions(field, contender, contender.action, runs, scratch, notice)));
  }
  return results;
}

async function reports(field: Field, able: readonly Contender[], runs: Runs, scratch: string, notice: (line: string) => void): Promise<Result[]> {
  const fs = await openLoopFs(field.type, 0, field.image);
  try {
    const tree = join(fs.mount, "guests");
    const costs = new Map<string, Cost[]>();
    const failures = new Map<string, string>();
    for (const scenario of ["report, warm", "report, cold"] as const) {
      for (let round = 0; round < (scenario === "report, cold" ? runs.cold : runs.warm); round++) {
        // Warm stays warm: nobody here drops what others read.
        if (scenario === "report, warm") await warm(tree);
        for (const contender of able) {
          const key = `${scenario}/${contender.name}`;
          if (failures.has(key)) continue;
          notice(`${field.type}, ${field.guests} guests, ${scenario}: ${contender.name}`);
          await freshScratch(scratch);
          // Its own image is cached nowhere (direct I/O), so a new mount is cold, and only for this tree.
          if (scenario === "report, cold") await fs.remount();
          await measure(contender.report(tree, scratch), scratch).then(
            (cost) => costs.set(key, [...(costs.get(key) ?? []), cost]),
            (error: unknown) => failures.set(key, String(error)),
          );
        }
      }
    }
    return (["report, warm", "report, cold"] as const).flatMap((scenario) =>
      able.map((contender) => {
        const key = `${scenario}/${contender.name}`;
        return resultOf(field, scenario, contender, costs.get(key) ?? [], failures.get(key));
      }),
    );
  } finally {
    await fs[Symbol.asyncDispose]();
  }
}

async function actions(
  field: Field,
  contender: Contender,
  action: NonNullable<Contender["action"]>,
  runs: Runs,
  scratch: string,
  notice: (line: string) => void,
): Promise<Result[]> {
  const fs = await openLoopFs(field.type, 0, field.image);
  const results: Result[] = [];
  const attempt = async (scenario: Result["scenario"], rounds: number) => {
    notice(`${field.type}, ${field.guests} guests, ${scenario}: ${contender.name}`);
    const before = await weigh(fs);
    const costs: Cost[] = [];
    let failure: string | undefined;
    try {
      for (let round = 0; round < rounds; round++) costs.push(await measure(action(join(fs.mount, "guests"), scratch), scratch));
    } catch (error) {
      failure = String(error);
    }
    const after = await weigh(fs);
    results.push({ ...resultOf(field, scenario, contender, costs, failure), merged: before.inodes - after.inodes, freed: before.used - after.used });
    return failure === undefined;
  };
  try {
    await freshScratch(scratch);
    await warm(join(fs.mount, "guests"));
    // A contender that cannot act cannot be asked to act again.
    if (await attempt("action, warm", 1)) {
      await attempt("second pass", runs.warm);
      await changeSome(fs);
      await attempt("after 1 % changed", 1);
    }
    return results;
  } finally {
    await fs[Symbol.asyncDispose]();
  }
}

function resultOf(field: Field, scenario: Result["scenario"], contender: Contender, costs: readonly Cost[], failure: string | undefined): Result {
  const { name, proof, identity } = contender;
  return {
    fileSystem: field.type,
    guests: field.guests,
    scenario,
    contender: name,
    proof,
    identity,
    runs: costs.length,
    ...(costs.length > 0 ? { cost: medianCost(costs) } : {}),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** What a contender keeps between runs (an index, a list) starts empty; ours looks at everything, as the others do. */
async function freshScratch(scratch: string): Promise<void> {
  await rm(join(scratch, "state"), { recursive: true, force: true });
  await mkdir(join(scratch, "state"));
  await writeFile(join(scratch, "no-excludes"), "");
}

/** Every file's content into the page cache. */
async function warm(tree: string): Promise<void> {
  await run("sh", ["-c", 'find "$1" -type f -print0 | xargs -0 cat > /dev/null', "warm", tree]);
}

/** Other content for one file in a hundred, as a new file in the old one's place: what an upgrade leaves behind. */
async function changeSome(fs: LoopFs): Promise<void> {
  const listing = await run("sh", ["-c", 'find "$1" -path "*/usr/*" -type f -size +0 -size -2048k | sort | awk "NR % 100 == 0"', "find", fs.mount]);
  for (const file of listing.split("\n").filter(Boolean)) {
    const { size, mode } = await stat(file);
    await writeFile(`${file}.new`, randomBytes(size), { mode: mode & 0o7777 });
    await run("mv", [`${file}.new`, file]);
  }
}
