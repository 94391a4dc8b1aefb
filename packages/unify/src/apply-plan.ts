import { closeSync, constants, openSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dedupeExtents, stateNumber, Swap, type SwapOutcome, type SwapSpace } from "@samepage/linux";
import { AfterApply } from "./after-apply.ts";
import { canShareExtents } from "./choose-strategy.ts";
import { appendLinkedNames, type LinkedNames } from "./link-log.ts";
import { isSettled, type PreparedPlan, preparePlan, toReport, treeFailures } from "./plan-unify.ts";
import type { InodeFates } from "./plan-swaps.ts";
import { placeFailure } from "./place-failure.ts";
import { PoolPlace, type PoolRun } from "./pool-place.ts";
import { hasRuns, recoverRuns } from "./recover.ts";
import { standGround } from "./give-way.ts";
import { RunControl } from "./run-control.ts";
import { withJournal } from "./run-journal.ts";
import { runUnderGuard } from "./run-under-guard.ts";
import type { GuardName } from "./strategy.ts";
import { type Outcomes, tally } from "./tally.ts";
import type { UnifyOptions } from "./unify-options.ts";
import type { UnifyReport } from "./unify-report.ts";

/**
 * How long a displaced inode waits at least for a writer that had resolved its name just before the exchange. Resolving
 * takes microseconds; a second covers a writer that was preempted or had to wait for a disk in between. Without a guard
 * there is none to wait for: such trees are those in which nobody writes, and the same writer a moment later would change
 * every guest. The lease is looked at again all the same before the inode goes.
 */
const graceMs: Readonly<Record<GuardName, number>> = { cow: 1000, immutable: 1000, none: 0 };

interface Place {
  readonly run: PoolRun;
  readonly pool: number;
  readonly quarantine: number;
}

type Failure = UnifyReport["failures"][number];

/**
 * Executes a plan, after settling what interrupted runs have left. What changed since it was made is left alone and counted.
 * Where something was settled, or another run was at work when this one came, the plan is out of date as a whole: it plans
 * again what is left to do, while nobody else can change it.
 */
export async function executePlan(plan: PreparedPlan, options: UnifyOptions): Promise<UnifyReport> {
  const found: Failure[] = [];
  using run = new RunControl(options);
  using _ground = standGround();
  await using places = await takePlaces(plan, run, found);
  if (!places.isOutdated) return await executeInPlaces(plan, options, places, run, found);
  plan.prepared?.tree[Symbol.dispose]();
  return await executeInPlaces(await preparePlan(options), options, places, run, found);
}

async function executeInPlaces(plan: PreparedPlan, options: UnifyOptions, places: Places, run: RunControl, found: Failure[]): Promise<UnifyReport> {
  const { prepared, groups, report } = plan;
  if (prepared === undefined) return { ...report, dryRun: false, failures: [...found, ...report.failures] };
  const started = performance.now() - report.elapsedMs;
  const guests = options.guests.map(({ name }) => name);
  using tree = prepared.tree;
  const { candidates, swaps, reflinks } = prepared;
  const outcomes: ((inode: number) => SwapOutcome)[] = [];
  if (run.stopped === undefined) {
    run.startPhase("apply", report.files.unified, report.bytes.reclaimed);
    try {
      if (swaps.words.length > 0) outcomes.push(await swapAll(plan, prepared, options, places, run, found));
      if (reflinks.length > 0) outcomes.push(await dedupeExtents(tree, candidates, reflinks, plan.settings.threads ?? availableParallelism(), run.job));
    } catch (error) {
      // Stopped while it wrote its journal: nothing was begun.
      if (run.stopped === undefined) throw error;
    }
  }
  await places[Symbol.asyncDispose]();
  // An inode is of one plan only; the other knows it as new.
  const outcome = (inode: number): SwapOutcome => outcomes.map((of) => of(inode)).find(({ state }) => state !== "new") ?? { state: "stopped", freed: 0 };
  run.startPhase("report");
  const counted = tally(guests, tree, swaps.fate, allOutcomes(candidates.inodeCount, swaps.fate, outcome));
  const planned = report.failures.filter(({ code }) => code.startsWith("package-database"));
  const failures = [...planned, ...found, ...treeFailures(tree, guests)];
  const after = new AfterApply(plan, prepared, outcome);
  const findings = run.stopped === undefined ? await after.measure(guests, run) : {};
  await after.writeIndex();
  const done = toReport(groups, run, started, { ...counted, files: { ...counted.files, visited: report.files.visited }, ...findings, dryRun: false, failures });
  if (isSettled(done, swaps.words.length + reflinks.length)) plan.memory?.settle(plan.question, done, plan.hash);
  const { bytes } = done;
  return { ...done, bytes: { ...bytes, read: bytes.read + report.bytes.read, hashed: bytes.hashed + report.bytes.hashed } };
}

/** What became of all members. */
function allOutcomes(inodes: number, fate: InodeFates, outcome: (inode: number) => SwapOutcome): Outcomes {
  const states = new Uint8Array(inodes);
  const freed = new Float64Array(inodes);
  for (let inode = 0; inode < inodes; inode++) {
    if (fate.get(inode) !== "member") continue;
    const known = outcome(inode);
    states[inode] = stateNumber(known.state);
    freed[inode] = known.freed;
  }
  return { states, freed };
}

/** The places of a plan's file systems, while nobody else works there. */
interface Places extends AsyncDisposable {
  readonly byTop: ReadonlyMap<string, PoolPlace>;
  /** Whether files may have changed in them since the plan was made. */
  readonly isOutdated: boolean;
}

/**
 * A file system that cannot be had is named among the failures, and the others go on.
 * @throws UnifyError where there are no others
 */
async function takePlaces(plan: PreparedPlan, run: RunControl, found: Failure[]): Promise<Places> {
  await using taken = new AsyncDisposableStack();
  const byTop = new Map<string, PoolPlace>();
  const errors: unknown[] = [];
  let isOutdated = false;
  const links = (plan.prepared?.swaps.words.length ?? 0) > 0;
  const tops = plan.groups.filter(({ chosen, top }) => (links && chosen.strategy === "hardlink") || hasRuns(top)).map(({ top }) => top);
  // In one order, whatever the order of the guests: two runs then never wait for each other.
  for (const top of [...new Set(tops)].sort()) {
    if (run.stopped !== undefined) break;
    try {
      const place = taken.use(await PoolPlace.take(top, run.signal));
      const settled = await recoverRuns(place, found);
      isOutdated ||= settled || place.waited;
      byTop.set(top, place);
    } catch (error) {
      if (run.stopped !== undefined) break;
      errors.push(error);
      found.push(placeFailure(top, error));
    }
  }
  if (errors.length > 0 && byTop.size === 0 && (plan.prepared?.reflinks.length ?? 0) === 0) throw errors[0];
  const kept = taken.move();
  return { byTop, isOutdated, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function swapAll(
  plan: PreparedPlan,
  { tree, candidates, swaps }: NonNullable<PreparedPlan["prepared"]>,
  options: UnifyOptions,
  { byTop }: Places,
  run: RunControl,
  found: Failure[],
): Promise<(inode: number) => SwapOutcome> {
  await using open = new AsyncDisposableStack();
  const ready = new Map<string, Place>();
  for (const [top, place] of byTop) {
    try {
      const opened = openPlace(place);
      open.defer(() => closePlace(top, opened, found));
      appendLinkedNames(place.links, linkedNames(plan, top));
      ready.set(top, opened);
    } catch (error) {
      found.push(placeFailure(top, error));
    }
  }
  const openSwap = () => {
    const spaces = plan.spaces.map(({ group, tag }): SwapSpace => {
      const place = group.chosen.strategy === "hardlink" ? ready.get(group.top) : undefined;
      return { pool: place?.pool ?? -1, quarantine: place?.quarantine ?? -1, tag, guard: group.chosen.guard, graceMs: graceMs[group.chosen.guard], sharesExtents: canShareExtents(group.type) };
    });
    return new Swap(tree, { plan: swaps.words, spaces, ignoreMtime: plan.settings.ignoreMtime, threads: plan.settings.threads ?? availableParallelism() }, run.job);
  };
  const roots = [...plan.guestPaths, ...plan.pools];
  const failed = new Set<string>();
  {
    using intents = openSwap();
    for (const [top, { run: own }] of ready) {
      try {
        await withJournal(own, roots, (journal) => intents.writeJournal(journal));
      } catch (error) {
        if (run.stopped !== undefined) throw error;
        failed.add(top);
        found.push(placeFailure(top, error));
      }
    }
  }
  // Without their journal nothing is done there.
  for (const top of failed) ready.delete(top);
  using swap = openSwap();
  const { cowGuard } = options;
  if (cowGuard === undefined || !plan.groups.some(({ chosen }) => chosen.guard === "cow")) {
    await swap.run(0, swap.groupCount);
    return swap.outcomes(candidates);
  }
  const members = membersOf(swaps.words);
  const leftOut = await runUnderGuard(swap, cowGuard, run);
  const busy = new Set<number>();
  for (const group of leftOut) for (const member of members[group] ?? []) busy.add(member);
  const outcomes = swap.outcomes(candidates);
  return (inode) => (busy.has(inode) ? { state: run.stopped === undefined ? "busy" : "stopped", freed: 0 } : outcomes(inode));
}

/** The members of each of the plan's groups. */
function membersOf(words: Uint32Array): Uint32Array[] {
  const members: Uint32Array[] = [];
  for (let at = 0; at < words.length; at += 2 + (words[at + 1] ?? 0)) members.push(words.subarray(at + 2, at + 2 + (words[at + 1] ?? 0)));
  return members;
}

function openPlace(place: PoolPlace): Place {
  const run = place.openRun();
  const open = (path: string) => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { run, pool: open(place.pool), quarantine: open(run.quarantine) };
}

function closePlace(top: string, { run, pool, quarantine }: Place, found: Failure[]): void {
  closeSync(pool);
  closeSync(quarantine);
  try {
    // A quarantine that is not empty, because of an error, is left to recovery with its journal.
    if (readdirSync(run.quarantine).length === 0) rmSync(run.path, { recursive: true, force: true });
  } catch (error) {
    found.push(placeFailure(top, error));
  }
}

/** Names of one guest that are links to each other, of every inode that the plan is about to share. */
function linkedNames({ prepared, guestPaths, spaces }: PreparedPlan, top: string): LinkedNames[] {
  if (prepared === undefined) return [];
  const { tree, candidates, swaps } = prepared;
  const entries: LinkedNames[] = [];
  for (let inode = 0; inode < candidates.inodeCount; inode++) {
    const fate = candidates.names(inode) > 1 ? swaps.fate.get(inode) : "none";
    if ((fate !== "member" && fate !== "canonical") || spaces[tree.space(candidates.row(inode))]?.group.top !== top) continue;
    const first = candidates.firstName(inode);
    const rows = [...candidates.order.subarray(first, first + candidates.names(inode))];
    for (const [guest, names] of Map.groupBy(rows, (row) => tree.guest(row))) {
      if (names.length > 1) entries.push({ guest: guestPaths[guest] ?? "", names: names.map((row) => tree.path(row)) });
    }
  }
  return entries;
}
