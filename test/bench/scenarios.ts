import { randomBytes } from "node:crypto";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buildCorpus, type PackageSet } from "@samepage/test-corpus";
import { type LoopFs, type LoopFsType, openLoopFs, run } from "@samepage/test-support";
import { type Contender, contenders, freshScratch } from "./contenders.ts";
import { type Cost, measure, medianCost, weigh } from "./measure.ts";

export const scenarios = ["report, warm", "report, cold", "action, warm", "second pass", "after 1 % changed"] as const;

/** One contender in one scenario on one tree. */
export interface Result {
  readonly fileSystem: LoopFsType;
  readonly guests: number;
  readonly scenario: (typeof scenarios)[number];
  readonly contender: string;
  readonly kind: Contender["kind"];
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

/** How often each contender runs; 0 leaves the scenario out. */
export interface Runs {
  readonly warm: number;
  readonly cold: number;
  /** Each needs a tree of its own. */
  readonly action: number;
  /** Whether all go on, or only those that may be the best: a peer that took `tooSlow` times the fastest one's time runs once, warm. */
  readonly everyone: boolean;
}

/** From three times on no later run makes a peer the best one. */
const tooSlow = 3;

/** Builds the guests on a file system of their own and keeps its image in `scratch`. */
export async function prepareField(type: LoopFsType, guests: number, set: PackageSet, scratch: string, notice: (line: string) => void): Promise<Field> {
  const fs = await openLoopFs(type, 512 + guests * 900);
  try {
    const tree = join(fs.mount, "guests");
    await buildCorpus({ directory: tree, guests, set, notice });
    // Ours leaves packages' configuration files alone; without dpkg's lists of them all contenders look at the same files.
    await run("sh", ["-c", 'rm -f "$1"/*/var/lib/dpkg/info/*.conffiles && sed -i "/^Conffiles:/,/^[^ ]/{/^Conffiles:/d;/^ /d}" "$1"/*/var/lib/dpkg/status', "rm", tree]);
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
  const { results, fast } = await reports(field, able, runs, scratch, notice);
  const acting = able.filter((contender) => contender.action !== undefined && (runs.everyone || fast.has(contender.name)));
  return [...results, ...(runs.action > 0 ? await actions(field, acting, runs, scratch, notice) : [])];
}

async function reports(field: Field, able: readonly Contender[], runs: Runs, scratch: string, notice: (line: string) => void): Promise<{ results: Result[]; fast: ReadonlySet<string> }> {
  await using fs = await openLoopFs(field.type, 0, field.image);
  const tree = join(fs.mount, "guests");
  const book = new Book(field, notice);
  const attempt = async (scenario: Result["scenario"], contender: Contender) => {
    await freshScratch(scratch);
    await book.attempt(scenario, contender, () => measure(contender.report(tree, scratch), scratch));
  };
  await warm(tree);
  for (const contender of able) await attempt("report, warm", contender);
  const wallOf = ({ name }: Contender) => book.wall("report, warm", name) ?? Infinity;
  const fastest = Math.min(...able.filter(({ kind }) => kind === "peer").map((peer) => wallOf(peer)));
  const fast = new Set(able.filter((contender) => contender.kind !== "peer" || wallOf(contender) <= tooSlow * fastest).map(({ name }) => name));
  const going = able.filter(({ name }) => runs.everyone || fast.has(name));
  for (let round = 1; round < runs.warm; round++) for (const contender of going) await attempt("report, warm", contender);
  for (let round = 0; round < runs.cold; round++) {
    for (const contender of going) {
      // Its image is cached nowhere (direct I/O), so a new mount is cold, and only for this tree.
      await fs.remount();
      await attempt("report, cold", contender);
    }
  }
  return { results: book.results(able), fast };
}

async function actions(field: Field, able: readonly Contender[], runs: Runs, scratch: string, notice: (line: string) => void): Promise<Result[]> {
  const book = new Book(field, notice);
  for (let round = 0; round < runs.action; round++) {
    for (const contender of able) {
      await using fs = await openLoopFs(field.type, 0, field.image);
      const tree = join(fs.mount, "guests");
      const act = (scenario: Result["scenario"]) => book.attempt(scenario, contender, () => measure((contender.action ?? contender.report)(tree, scratch), scratch));
      await freshScratch(scratch);
      await warm(tree);
      const before = await weigh(fs);
      const done = await act("action, warm");
      const after = await weigh(fs);
      book.merged("action, warm", contender, before, after);
      // A contender that cannot act cannot be asked to act again; and once is enough for what the first round does not decide.
      if (!done || round > 0) continue;
      for (let again = 0; again < runs.warm; again++) await act("second pass");
      await changeSome(fs);
      const changed = await weigh(fs);
      await act("after 1 % changed");
      book.merged("after 1 % changed", contender, changed, await weigh(fs));
    }
  }
  return book.results(able);
}

/** What was measured so far, by scenario and contender. */
class Book {
  readonly #field: Field;
  readonly #notice: (line: string) => void;
  readonly #entries = new Map<string, { costs: Cost[]; failure?: string; merged?: number; freed?: number }>();

  constructor(field: Field, notice: (line: string) => void) {
    this.#field = field;
    this.#notice = notice;
  }

  /** Whether it worked; one that failed once is not asked again. */
  async attempt(scenario: Result["scenario"], { name }: Contender, run: () => Promise<Cost>): Promise<boolean> {
    const entry = this.#entry(scenario, name);
    if (entry.failure !== undefined) return false;
    try {
      const cost = await run();
      entry.costs.push(cost);
      this.#notice(`${this.#field.type}, ${this.#field.guests} guests, ${scenario}: ${name}: ${cost.wall.toFixed(2)} s`);
    } catch (error) {
      entry.failure = String(error);
    }
    return entry.failure === undefined;
  }
  merged(scenario: Result["scenario"], { name }: Contender, before: { inodes: number; used: number }, after: { inodes: number; used: number }): void {
    Object.assign(this.#entry(scenario, name), { merged: before.inodes - after.inodes, freed: before.used - after.used });
  }
  /** Of the last run, seconds. */
  wall(scenario: Result["scenario"], name: string): number | undefined {
    return this.#entry(scenario, name).costs.at(-1)?.wall;
  }
  results(able: readonly Contender[]): Result[] {
    return scenarios.flatMap((scenario) =>
      able.flatMap((contender) => {
        const entry = this.#entries.get(`${scenario}/${contender.name}`);
        return entry === undefined ? [] : [{ ...resultOf(this.#field, scenario, contender, entry.costs, entry.failure), ...mergedOf(entry) }];
      }),
    );
  }

  #entry(scenario: Result["scenario"], name: string) {
    const key = `${scenario}/${name}`;
    const entry = this.#entries.get(key) ?? { costs: [] };
    this.#entries.set(key, entry);
    return entry;
  }
}

function mergedOf({ merged, freed }: { readonly merged?: number; readonly freed?: number }): Pick<Result, "merged" | "freed"> {
  return merged === undefined || freed === undefined ? {} : { merged, freed };
}

function resultOf(field: Field, scenario: Result["scenario"], contender: Contender, costs: readonly Cost[], failure: string | undefined): Result {
  const { name, kind, proof, identity } = contender;
  return {
    fileSystem: field.type,
    guests: field.guests,
    scenario,
    contender: name,
    kind,
    proof,
    identity,
    runs: costs.length,
    ...(costs.length > 0 ? { cost: medianCost(costs) } : {}),
    ...(failure === undefined ? {} : { failure }),
  };
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
