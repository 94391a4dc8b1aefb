import { availableParallelism, constants } from "node:os";
import { getSystemErrorMap } from "node:util";
import { type Candidates, identifyTree, indexRecords, measureExtents, type Placement, planHash, type Tree } from "@samepage/linux";
import { findUncovered, leaveOutUnknownSizes } from "./catalog-scope.ts";
import { checkOptions, type Settings } from "./check-options.ts";
import { escapeName } from "./escape-name.ts";
import { type FileSystemGroup, groupByFileSystem, type Space, spacesOf } from "./file-system-group.ts";
import { giveWay } from "./give-way.ts";
import type { GuestMemory } from "./guest-memory.ts";
import { openGuestRoots } from "./guest-root.ts";
import { readHeldInodes } from "./held-inodes.ts";
import { readIndex, writeIndex } from "./index-file.ts";
import { InodeTable } from "./inode-table.ts";
import { readMountPoints } from "./mount-points.ts";
import { planReflinks } from "./plan-reflinks.ts";
import { planSwaps, type SwapPlan } from "./plan-swaps.ts";
import { poolPath } from "./pool-place.ts";
import { RunControl } from "./run-control.ts";
import { OpenPools, scanGuests } from "./scan-guests.ts";
import { type Outcomes, tally } from "./tally.ts";
import type { UnifyOptions } from "./unify-options.ts";
import type { UnifyPlan } from "./unify-plan.ts";
import type { UnifyReport } from "./unify-report.ts";

/** Threads at most where reading waits for a disk: depth, not cores, is what a disk wants. */
const threadsWhenCold = 16;

/** What apply needs of a plan. */
export interface PreparedPlan extends Pick<UnifyPlan, "report" | "hash"> {
  readonly settings: Settings;
  readonly groups: readonly FileSystemGroup[];
  readonly spaces: readonly Space[];
  readonly guestPaths: readonly string[];
  /** Paths of the pools that were scanned, numbered after the guests. */
  readonly pools: readonly string[];
  /** st_dev of each guest's root. */
  readonly guestDevices: readonly bigint[];
  readonly memory: GuestMemory | undefined;
  /** What the answer depends on besides the guests' files. */
  readonly question: string;
  /** Missing when the run was stopped before everything was seen, and where nothing has changed since there was nothing to do. */
  readonly prepared: { readonly tree: Tree; readonly candidates: Candidates; readonly swaps: SwapPlan; readonly reflinks: Uint32Array } | undefined;
}

type Failure = UnifyReport["failures"][number];

/** Finds what could share and decides how. Nothing is changed. */
export async function preparePlan(options: UnifyOptions): Promise<PreparedPlan> {
  const started = performance.now();
  const settings = checkOptions(options);
  using roots = openGuestRoots(options.guests);
  const groups = groupByFileSystem(roots.all, options);
  const spaces = spacesOf(groups);
  const failures: Failure[] = [];
  using run = new RunControl(options);
  using _ = options.background === true ? giveWay() : undefined;
  const guests = roots.all.map(({ guest }) => guest.name);
  using pools = new OpenPools(spaces);
  const mountPoints = readMountPoints(roots.all);
  const question = JSON.stringify([settings, options.excludes, options.guests, groups.map(({ chosen }) => chosen), mountPoints]);
  // A run limited to templates sets rows aside by what the catalog says that day.
  const memory = options.catalog === undefined ? options.memory : undefined;
  const common = { pools: pools.tops.map(poolPath), memory, question, settings, groups, spaces, guestPaths: roots.all.map(({ path }) => path), guestDevices: roots.all.map(({ device }) => device) };
  let scanned: Tree | undefined;
  try {
    run.startPhase("scan");
    const before = await memory?.recall([...roots.all.map(({ fd }) => fd), ...pools.fds], question);
    if (before?.settled !== undefined) {
      const { report, hash } = before.settled;
      return { ...common, hash, prepared: undefined, report: { ...report, dryRun: true, files: { ...report.files, visited: 0 }, bytes: { ...report.bytes, read: 0, hashed: 0, compared: 0 }, elapsedMs: Math.round(performance.now() - started) } };
    }
    const tree = await scanGuests(
      {
        roots: roots.all,
        spaces,
        settings,
        excludes: options.excludes,
        pools,
        mountPoints,
        known: before?.known,
        finding: (root, problem) => failures.push({ guest: root.guest.name, path: problem.path, code: problem.code, message: problem.message }),
      },
      run,
    );
    scanned = tree;
    const visited = run.job.files;
    if (tree.failures().length === 0 && failures.length === 0) memory?.keep(tree, question);
    if (options.catalog !== undefined) leaveOutUnknownSizes(tree, spaces, options.catalog);
    run.startPhase("identify", tree.counts.reduce((sum, { rows }) => sum + rows, 0));
    const candidates = await identifyTree(
      tree,
      {
        identity: Uint8Array.from(spaces, ({ group }) => (group.chosen.strategy === "hardlink" ? 1 : 0)),
        ignoreMtime: settings.ignoreMtime,
        index: readIndex(settings.stateDir),
        minThreads: settings.threads ?? availableParallelism(),
        maxThreads: settings.threads ?? Math.max(threadsWhenCold, availableParallelism()),
        // What the cache did not hold before, guests have no use for.
        dropCache: true,
      },
      run.job,
    ).catch(async (error: unknown) => {
      // What was read is known to the next run: a job in windows shorter than its reading still comes to its end.
      if (run.stopped !== undefined) await rememberContent(tree, settings.stateDir);
      throw error;
    });
    const uncovered = options.catalog === undefined ? undefined : await findUncovered(tree, candidates, spaces, options.catalog, roots.all.map(({ fd }) => fd), run);
    run.startPhase("plan");
    const facts = new InodeTable(tree, candidates, spaces, readHeldInodes(), uncovered);
    const swaps = planSwaps(candidates, facts, facts.planPlain());
    const placement = await measureExtents(tree, candidates, Uint32Array.from([...swaps.extents.flat(), ...toMeasure(swaps.words, facts)]), settings.threads ?? availableParallelism(), run.job);
    const reflinks = planReflinks(swaps.extents, facts, placement, swaps.fate);
    const counted = tally(guests, tree, swaps.fate, predict(tree, candidates, swaps, facts, placement));
    failures.push(...treeFailures(tree, guests));
    const report = toReport(groups, run, started, { ...counted, files: { ...counted.files, visited }, failures, dryRun: true });
    const hash = planHash(tree, swaps.words, reflinks);
    if (isSettled(report, swaps.words.length + reflinks.length)) memory?.settle(question, report, hash);
    return { ...common, report, hash, prepared: { tree, candidates, swaps, reflinks } };
  } catch (error) {
    // Nobody gets a plan to dispose of: its roots would keep guests from being unmounted.
    scanned?.[Symbol.dispose]();
    if (run.stopped === undefined) throw error;
    const nothing = { files: { scanned: 0, visited: 0, eligible: 0, unified: 0, skipped: {} }, guests: [], logical: 0, reclaimed: 0 };
    return { ...common, report: toReport(groups, run, started, { ...nothing, failures, dryRun: true }), hash: "", prepared: undefined };
  }
}

/** What members free where their blocks do not tell; undefined where they tell it of all. */
function predict(tree: Tree, candidates: Candidates, { fate }: SwapPlan, facts: InodeTable, placement: (inode: number) => Placement): Outcomes | undefined {
  if (!facts.anyMayHoldTogether) return undefined;
  const freed = new Float64Array(candidates.inodeCount);
  for (let inode = 0; inode < candidates.inodeCount; inode++) {
    if (fate.get(inode) === "member") freed[inode] = facts.mayHoldTogether(inode) ? placement(inode).exclusive : tree.allocated(candidates.row(inode));
  }
  return { states: undefined, freed };
}

/** The members of link swaps whose blocks do not tell what they free. */
function toMeasure(words: Uint32Array, facts: InodeTable): number[] {
  const inodes: number[] = [];
  if (!facts.anyMayHoldTogether) return inodes;
  for (let at = 0; at < words.length; at += 2 + (words[at + 1] ?? 0)) {
    if (!facts.mayHoldTogether(words[at] ?? 0)) continue;
    for (const member of words.subarray(at + 2, at + 2 + (words[at + 1] ?? 0))) inodes.push(member);
  }
  return inodes;
}

/** Whether another pass would find the same as long as no file changes: nothing to do, and nothing that a lock held back. */
export function isSettled({ files, failures, stopped }: UnifyReport, planned: number): boolean {
  return planned === 0 && failures.length === 0 && stopped === undefined && files.skipped.locked === undefined && files.skipped["swap-file"] === undefined;
}

/** Keeps what an identification that was stopped has found out; no name has changed yet. */
async function rememberContent(tree: Tree, stateDir: string): Promise<void> {
  // There are no more inodes than names.
  const gone = new Uint8Array(tree.counts.reduce((sum, { rows }) => sum + rows, 0));
  const records = await indexRecords(tree, gone, readIndex(stateDir));
  if (records !== undefined) writeIndex(stateDir, records);
}

/** What the native side could not read, with names an operator can read. */
export function treeFailures(tree: Tree, guests: readonly string[]): Failure[] {
  // libuv's map has the messages but not every error of a file system: EDQUOT is none of its own.
  const messages = getSystemErrorMap();
  const codes = new Map(Object.entries(constants.errno).map(([code, number]) => [number, code]));
  return tree.failures().map(({ dir, name, errno }) => {
    const code = codes.get(errno) ?? "EIO";
    const message = messages.get(-errno)?.[1] ?? (code === "EDQUOT" ? "disk quota exceeded" : `error ${errno}`);
    const path = tree.directoryPath(dir) + (name === undefined ? "" : `/${name}`);
    return { guest: guests[tree.guestOfDirectory(dir)] ?? "pool", path: escapeName(path === "" ? "/" : path), code, message };
  });
}

interface Counted {
  readonly dryRun: boolean;
  readonly files: UnifyReport["files"];
  readonly guests: UnifyReport["guests"];
  readonly failures: UnifyReport["failures"];
  readonly logical: number;
  readonly reclaimed: number;
  readonly pageCache?: UnifyReport["pageCache"];
  readonly stillMapping?: UnifyReport["stillMapping"];
}

/** @param started performance.now() of the start */
export function toReport(groups: readonly FileSystemGroup[], run: RunControl, started: number, counted: Counted): UnifyReport {
  const chosen = (groups.find((group) => group.chosen.strategy !== "nothing") ?? groups[0])?.chosen;
  const { logical, reclaimed, ...rest } = counted;
  return {
    strategy: chosen?.strategy ?? "nothing",
    guard: chosen?.guard ?? "none",
    fileSystems: groups.map((group) => ({ ...group.chosen, mount: group.mount, type: group.type })),
    bytes: { read: run.job.bytesRead, hashed: run.job.bytesHashed, compared: run.job.bytesCompared, logical, reclaimed },
    pageCache: { shared: 0, saved: 0 },
    stillMapping: [],
    ...rest,
    ...(run.stopped === undefined ? {} : { stopped: run.stopped }),
    elapsedMs: Math.round(performance.now() - started),
  };
}

