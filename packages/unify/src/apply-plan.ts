import { closeSync, constants, fdatasyncSync, openSync, rmSync, writeSync } from "node:fs";
import { availableParallelism } from "node:os";
import { Swap, type SwapOutcome, type SwapSpace } from "@samepage/linux";
import type { InodeGuard } from "./inode-guard.ts";
import { type PreparedPlan, toReport, treeFailures } from "./plan-unify.ts";
import { PoolPlace, type PoolRun } from "./pool-place.ts";
import { RunControl } from "./run-control.ts";
import { tally } from "./tally.ts";
import type { UnifyOptions } from "./unify-options.ts";
import type { UnifyReport } from "./unify-report.ts";

/**
 * How long a displaced inode waits for a writer that had resolved its name just before the exchange. Resolving takes
 * microseconds; a second covers a writer that was preempted or had to wait for a disk in between.
 */
const graceMs = 1000;

interface Place {
  readonly place: PoolPlace;
  readonly run: PoolRun;
  readonly pool: number;
  readonly quarantine: number;
}

/** Executes a plan. What changed since it was made is left alone and counted. */
export async function executePlan(plan: PreparedPlan, options: UnifyOptions): Promise<UnifyReport> {
  const { prepared, groups, report } = plan;
  if (prepared === undefined) return { ...report, dryRun: false };
  const started = performance.now() - report.elapsedMs;
  const guests = options.guests.map(({ name }) => name);
  using run = new RunControl(options);
  const { tree, candidates, swaps } = prepared;
  let outcome: (inode: number) => SwapOutcome = () => ({ state: "stopped", freed: 0 });
  if (swaps.members > 0 && run.stopped === undefined) {
    run.startPhase("apply", report.files.unified, report.bytes.reclaimed);
    outcome = await swapAll(plan, prepared, options, run);
  }
  run.startPhase("report");
  const counted = tally(guests, tree, { candidates, fate: swaps.fate }, outcome);
  const planned = report.failures.filter(({ code }) => code.startsWith("package-database"));
  const done = toReport(groups, run, started, { ...counted, dryRun: false, failures: [...planned, ...treeFailures(tree, guests)] });
  const { bytes } = done;
  return { ...done, bytes: { ...bytes, read: bytes.read + report.bytes.read, hashed: bytes.hashed + report.bytes.hashed } };
}

async function swapAll(
  plan: PreparedPlan,
  { tree, candidates, swaps }: NonNullable<PreparedPlan["prepared"]>,
  options: UnifyOptions,
  run: RunControl,
): Promise<(inode: number) => SwapOutcome> {
  await using places = new AsyncDisposableStack();
  const byTop = new Map<string, Place>();
  for (const { group } of plan.spaces) {
    if (byTop.has(group.top)) continue;
    byTop.set(group.top, places.adopt(openPlace(await PoolPlace.take(group.top, run.signal)), closePlace));
  }
  const spaces = plan.spaces.map(({ group, tag }): SwapSpace => {
    const place = byTop.get(group.top);
    return { pool: place?.pool ?? -1, quarantine: place?.quarantine ?? -1, tag, guard: group.chosen.guard };
  });
  const swap = new Swap(tree, { plan: swaps.words, spaces, ignoreMtime: plan.settings.ignoreMtime, threads: plan.settings.threads ?? availableParallelism(), graceMs }, run.job);
  for (const { run: own } of byTop.values()) await writeJournal(swap, own, plan);
  await runGroups(swap, options.cowGuard, plan, run);
  return swap.outcomes(candidates);
}

function openPlace(place: PoolPlace): Place {
  const run = place.openRun();
  const open = (path: string) => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  return { place, run, pool: open(place.pool), quarantine: open(run.quarantine) };
}

function closePlace({ place, run, pool, quarantine }: Place): void {
  closeSync(pool);
  closeSync(quarantine);
  // Empty by now; a quarantine that is not is left to recovery, with its journal.
  rmSync(run.path, { recursive: true, force: true });
  place[Symbol.dispose]();
}

async function writeJournal(swap: Swap, { journal }: PoolRun, plan: PreparedPlan): Promise<void> {
  const fd = openSync(journal, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND, 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ version: 1, guests: plan.guestPaths })}\n`);
    await swap.writeJournal(fd);
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

async function runGroups(swap: Swap, _guard: InodeGuard | undefined, _plan: PreparedPlan, _run: RunControl): Promise<void> {
  await swap.run(0, swap.groupCount);
}
