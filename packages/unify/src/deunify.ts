import { closeSync, constants, openSync, readdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { type FileToSplit, makePrivate, type PrivateCopy, scanTrees, type ScanGuest, type Tree } from "@samepage/linux";
import { checkOptions } from "./check-options.ts";
import { type GuestRoot, openGuestRoots } from "./guest-root.ts";
import type { InodeGuard } from "./inode-guard.ts";
import { linkedNameKey, readLinkedNames } from "./link-log.ts";
import { placeFailure } from "./place-failure.ts";
import { treeFailures } from "./plan-unify.ts";
import { PoolPlace } from "./pool-place.ts";
import type { DeunifyReport } from "./pool-report.ts";
import { recoverRuns } from "./recover.ts";
import { removeUnused } from "./remove-unused.ts";
import { withJournal } from "./run-journal.ts";
import { standGround } from "./give-way.ts";
import { RunControl } from "./run-control.ts";
import { notOwn } from "./scan-guests.ts";
import type { SkipReason } from "./skip-reason.ts";
import type { UnifyOptions } from "./unify-options.ts";

interface Counts {
  scanned: number;
  deunified: number;
  copied: number;
  taken: number;
  stillShared: number;
  readonly perGuest: Map<GuestRoot, { files: number; deunified: number }>;
  readonly skipped: Map<SkipReason, number>;
  readonly failures: DeunifyReport["failures"][number][];
}

/** Gives every name in the guests that shares an inode through the pool a private one. */
export async function deunifyGuests(options: UnifyOptions): Promise<DeunifyReport> {
  const started = performance.now();
  const { threads = availableParallelism() } = checkOptions(options);
  using roots = openGuestRoots(options.guests);
  using run = new RunControl(options);
  using _ground = standGround();
  const counts: Counts = {
    scanned: 0,
    deunified: 0,
    copied: 0,
    taken: 0,
    stillShared: 0,
    perGuest: new Map(roots.all.map((root) => [root, { files: 0, deunified: 0 }])),
    skipped: new Map(),
    failures: [],
  };
  for (const [top, guests] of Map.groupBy(roots.all, ({ top }) => top)) {
    try {
      if (run.stopped === undefined && PoolPlace.exists(top)) await deunifyPlace(top, guests, run, counts, threads, options.cowGuard);
    } catch (error) {
      // The other file systems' guests get theirs back all the same.
      if (run.stopped === undefined) counts.failures.push(placeFailure(top, error));
    }
  }
  return {
    files: { scanned: counts.scanned, deunified: counts.deunified, stillShared: counts.stillShared, skipped: Object.fromEntries(counts.skipped) },
    bytes: { copied: counts.copied, taken: counts.taken },
    guests: [...counts.perGuest].map(([{ guest }, { files, deunified }]) => ({ name: guest.name, files, deunified })),
    failures: counts.failures,
    ...(run.stopped === undefined ? {} : { stopped: run.stopped }),
    elapsedMs: Math.round(performance.now() - started),
  };
}

async function deunifyPlace(top: string, guests: readonly GuestRoot[], run: RunControl, counts: Counts, threads: number, cowGuard: InodeGuard | undefined): Promise<void> {
  using place = await PoolPlace.take(top, run.signal);
  run.startPhase("recover");
  await recoverRuns(place, counts.failures);
  run.startPhase("scan");
  using tree = await scanAll(place, guests, threads, run);
  for (const [at, root] of guests.entries()) {
    const files = tree.counts[at]?.names ?? 0;
    counts.scanned += files;
    const guest = counts.perGuest.get(root);
    if (guest !== undefined) guest.files += files;
  }
  const { copy, keep } = filesToSplit(tree, guests, readLinkedNames(place.links), cowGuard !== undefined);
  run.startPhase("apply", copy.reduce((sum, { names }) => sum + names.length, 0));
  for (const [number, { state, taken }] of (await splitAll(place, tree, guests, copy, threads, run, counts)).entries()) {
    const names = copy[number]?.names ?? [];
    if (state === "done") {
      counts.taken += taken;
      count(tree, guests, names, counts);
    } else if (state === "changed" || state === "busy" || state === "error") counts.skipped.set(state, (counts.skipped.get(state) ?? 0) + names.length);
  }
  counts.failures.push(...treeFailures(tree, guests.map(({ guest }) => guest.name)));
  for (const rows of keep) count(tree, guests, rows, counts);
  // An object whose only names left are its own and those of one file is that file's now.
  const { freedBy } = await removeUnused(place.pool, new Map(keep.map((rows) => [tree.ino(rows[0] ?? 0), rows.length])), cowGuard, run.signal);
  for (const ino of new Set(copy.map(({ object }) => tree.ino(object)))) counts.taken -= freedBy.get(ino) ?? 0;
  // Nothing was shared: the first look says so.
  if (copy.length + keep.length === 0) return;
  // Looked at afresh: what was done is not proof of how things are.
  using after = await scanAll(place, guests, threads, run);
  for (const rows of namesByObject(after, objectsOf(after)).values()) counts.stillShared += rows.length;
}

/** By inode number: a row of the pool, and how many the pool has of it. */
function objectsOf(tree: Tree): ReadonlyMap<number, { readonly row: number; readonly names: number }> {
  const objects = new Map<number, { row: number; names: number }>();
  for (let row = 0; row < tree.rowCount; row++) {
    if (tree.isUsed(row) && tree.isPool(row)) objects.set(tree.ino(row), { row, names: (objects.get(tree.ino(row))?.names ?? 0) + 1 });
  }
  return objects;
}

/** The guests' rows that lead to each of these inodes. */
function namesByObject(tree: Tree, objects: ReadonlyMap<number, unknown>): ReadonlyMap<number, readonly number[]> {
  const names = new Map<number, number[]>();
  for (let row = 0; row < tree.rowCount; row++) {
    if (!tree.isUsed(row) || tree.isPool(row) || !objects.has(tree.ino(row))) continue;
    const rows = names.get(tree.ino(row));
    if (rows === undefined) names.set(tree.ino(row), [row]);
    else rows.push(row);
  }
  return names;
}

async function splitAll(
  place: PoolPlace,
  tree: Tree,
  guests: readonly GuestRoot[],
  files: readonly FileToSplit[],
  threads: number,
  run: RunControl,
  counts: Counts,
): Promise<readonly PrivateCopy[]> {
  if (files.length === 0) return [];
  const own = place.openRun();
  const quarantine = openSync(own.quarantine, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const roots = [...guests.map(({ path }) => path), place.pool];
    const { copies, copied } = await withJournal(own, roots, (journal) => makePrivate(tree, files, { quarantine, journal, threads }, run.job));
    counts.copied += copied;
    return copies;
  } finally {
    closeSync(quarantine);
    if (readdirSync(own.quarantine).length === 0) rmSync(own.path, { recursive: true });
  }
}

function count(tree: Tree, guests: readonly GuestRoot[], rows: readonly number[], counts: Counts): void {
  counts.deunified += rows.length;
  const root = guests[tree.guest(rows[0] ?? 0)];
  const guest = root === undefined ? undefined : counts.perGuest.get(root);
  if (guest !== undefined) guest.deunified += rows.length;
}

/** Everything, with no excludes: what was unified under other rules must come back too. */
async function scanAll(place: PoolPlace, guests: readonly GuestRoot[], threads: number, run: RunControl): Promise<Tree> {
  const pool = openSync(place.pool, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const scan = guests.map((root): ScanGuest => ({ fd: root.fd, space: 0, pool: false, exact: notOwn(root) }));
    return await scanTrees({ guests: [...scan, { fd: pool, space: 0, pool: true, exact: [] }], patterns: [], tags: [], minSize: 1, threads }, run.job);
  } finally {
    closeSync(pool);
  }
}

/**
 * Which files need a copy, and which may keep the inode because nobody else will have it.
 * @param isGuarded whether guests could write to the inode once its mark is lifted, which others may still have open or mapped: then
 * nobody keeps it
 */
function filesToSplit(
  tree: Tree,
  guests: readonly GuestRoot[],
  linked: ReadonlyMap<string, string>,
  isGuarded: boolean,
): { readonly copy: readonly FileToSplit[]; readonly keep: readonly (readonly number[])[] } {
  const objects = objectsOf(tree);
  const copy: FileToSplit[] = [];
  const keep: number[][] = [];
  // Names that were one file before are one file again; a guest's only with its own.
  const fileOf = (row: number) => `${tree.guest(row)} ${linked.get(linkedNameKey(guests[tree.guest(row)]?.path ?? "", tree.path(row))) ?? `alone ${row}`}`;
  for (const [ino, rows] of namesByObject(tree, objects)) {
    const object = objects.get(ino);
    const files = [...Map.groupBy(rows, fileOf).values()];
    // Names elsewhere, in guests that are not given, go on sharing.
    const all = !isGuarded && rows.length + (object?.names ?? 0) === tree.links(rows[0] ?? 0);
    const last = all ? files.pop() : undefined;
    if (last !== undefined) keep.push(last);
    copy.push(...files.map((names) => ({ object: object?.row ?? 0, names })));
  }
  return { copy, keep };
}
