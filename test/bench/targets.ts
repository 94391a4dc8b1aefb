import type { Contender } from "./contenders.ts";
import type { Crowd } from "./crowd.ts";
import type { Cost } from "./measure.ts";
import type { Field, Result } from "./scenarios.ts";

/** What Samepage promises of a run, beside what the run reached. */
export interface Target {
  readonly promise: string;
  /** Reached must not be more. A ratio, or bytes where the promise says so. */
  readonly wanted: number;
  readonly reached: number;
  readonly met: boolean;
  /** Whom it is compared with, and where. */
  readonly against: string;
}

interface Ratio {
  readonly promise: string;
  readonly scenario: Result["scenario"];
  readonly wanted: number;
  readonly of: (cost: Cost) => number;
  readonly against: Contender["kind"];
}

const wall = (cost: Cost) => cost.wall;
const ratios: readonly Ratio[] = [
  { promise: "first pass warm, report: wall", scenario: "report, warm", wanted: 0.33, of: wall, against: "peer" },
  { promise: "first pass warm, report: CPU", scenario: "report, warm", wanted: 0.75, of: ({ cpu }) => cpu, against: "peer" },
  { promise: "first pass warm, report: wall over the floor", scenario: "report, warm", wanted: 1.25, of: wall, against: "floor" },
  { promise: "first pass cold, report: wall", scenario: "report, cold", wanted: 0.28, of: wall, against: "peer" },
  { promise: "first pass warm, action: wall", scenario: "action, warm", wanted: 0.5, of: wall, against: "peer" },
  { promise: "second pass on a unified tree: wall", scenario: "second pass", wanted: 0.5, of: wall, against: "peer" },
];

/** Compares what was reached on a tree with what is promised; what was not measured is left out. */
export function targetsOf(field: Field, results: readonly Result[]): Target[] {
  const own = results.filter(({ fileSystem, guests }) => fileSystem === field.type && guests === field.guests);
  const where = `${field.type}, ${field.guests} guests`;
  const compared = ratios.flatMap(({ promise, scenario, wanted, of, against }) => {
    const here = own.filter((result) => result.scenario === scenario);
    const ours = least(here.filter(({ contender }) => contender === "samepage"), of);
    const other = least(here.filter(({ kind }) => kind === against), of);
    return ours === undefined || other === undefined ? [] : [toTarget(promise, wanted, ours.value / other.value, `${other.contender}, ${where}`)];
  });
  return [...compared, ...mergedTargets(own, where)];
}

/** Files merged: never fewer than a peer under the same rules; hardlink -X is the one that asks for owner, mode, time and attributes too. */
function mergedTargets(results: readonly Result[], where: string): Target[] {
  const actions = results.filter(({ scenario }) => scenario === "action, warm");
  const ours = actions.find(({ contender }) => contender === "samepage")?.merged;
  const strict = actions.filter(({ kind, identity, merged }) => kind === "peer" && identity === "full" && merged !== undefined);
  const most = strict.toSorted((a, b) => (b.merged ?? 0) - (a.merged ?? 0))[0];
  if (ours === undefined || most?.merged === undefined) return [];
  return [toTarget("files merged by the best peer of the same rules, over ours", 1, most.merged / ours, `${most.contender}, ${where}`)];
}

/** What memory costs on very many files: beside the leanest peer that compares bytes, and for each file. */
export function crowdTargets(crowd: Crowd): Target[] {
  const where = `${crowd.files.toLocaleString("en")} files`;
  const targets = [toTarget("peak memory beyond Node's own, bytes a file", 150, crowd.bytesPerFile, where)];
  const leanest = crowd.peers.toSorted((a, b) => a.peakMemory - b.peakMemory)[0];
  if (leanest !== undefined) targets.push(toTarget("peak memory over the leanest verifying peer's", 1, crowd.peakMemory / leanest.peakMemory, `${leanest.name}, ${where}`));
  if (crowd.files >= 10_000_000) targets.push(toTarget("ten million files planned: GB of memory", 2.5, crowd.peakMemory / 1e9, where));
  return targets;
}

function least(results: readonly Result[], of: (cost: Cost) => number): { contender: string; value: number } | undefined {
  const values = results.flatMap(({ contender, cost }) => (cost === undefined ? [] : [{ contender, value: of(cost) }]));
  return values.toSorted((a, b) => a.value - b.value)[0];
}

function toTarget(promise: string, wanted: number, reached: number, against: string): Target {
  return { promise, wanted, reached, met: reached <= wanted, against };
}
