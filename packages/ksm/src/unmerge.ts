import { readFileSync } from "node:fs";
import { join } from "node:path";
import { memoryHeadroom } from "./cgroup-memory.ts";
import { readCounters } from "./counters.ts";
import { listProcesses } from "./guest-processes.ts";
import { runHelper } from "./helpers.ts";
import { inject } from "./inject.ts";
import type { Injection } from "./inject.ts";
import { KsmError } from "./ksm-error.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { readKsmStat } from "./ksm-stat.ts";
import { PAGE_BYTES } from "./ledger.ts";
import { isAlive } from "./process-key.ts";
import type { ProcessKey } from "./process-key.ts";
import { guestByNamespace } from "./read-ledger.ts";
import type { GuestOf } from "./read-ledger.ts";
import { memAvailable } from "./transaction.ts";
import { copiesOf, planUnmerge } from "./unmerge-plan.ts";
import type { UnmergeCandidate, UnmergeRoom } from "./unmerge-plan.ts";

export interface UnmergeReport {
  /** Guests opted out, in order. */
  readonly guests: readonly string[];
  /** Processes that could not be opted out one by one; the host-wide un-merge covered their pages. */
  readonly left: readonly Injection[];
  /** Pages that had been merged or zero. */
  readonly pages: number;
}

export interface UnmergeOptions {
  readonly guestOf?: GuestOf;
  readonly signal?: AbortSignal;
}

/**
 * Gives every process private copies of its merged pages: guest by guest, the room calculated anew before each, then
 * the rest of the host from a short-lived process. Leaves KSM stopped (run=2).
 * @throws KsmError no-room with nothing changed, or between two guests with the earlier ones un-merged;
 *   unmerge-failed when the kernel gave up
 */
export async function unmergeAll(paths: KsmPaths, options: UnmergeOptions = {}): Promise<UnmergeReport> {
  const counters = readCounters(paths.sysfs);
  const candidates = await unmergeCandidates(paths, options);
  const guests: string[] = [];
  const left: Injection[] = [];
  const all = (counters.pagesSharing + counters.zeroPages) * PAGE_BYTES;
  for (const stage of planUnmerge(room(paths, all), candidates)) {
    options.signal?.throwIfAborted();
    planUnmerge(room(paths, copiesOf(stage)), stage);
    left.push(...(await inject("reset", stage, options.signal)).filter((result) => !["done", "gone", "zombie"].includes(result.outcome)));
    const guest = stage[0]?.guest;
    if (guest !== undefined) guests.push(guest);
  }
  const rest = await unmergeCandidates(paths, options);
  planUnmerge(room(paths, copiesOf(rest)), rest);
  await unmergeHost(paths);
  return { guests, left, pages: counters.pagesSharing + counters.pagesShared + counters.zeroPages };
}

/**
 * Opts some processes out, guest by guest, after the same calculation for their pages alone.
 * @returns the outcome of each process that was still alive
 * @throws KsmError no-room
 */
export async function optOut(paths: KsmPaths, keys: readonly ProcessKey[], options: UnmergeOptions = {}): Promise<Injection[]> {
  const guestOf = options.guestOf ?? guestByNamespace(paths.proc);
  const candidates = keys.flatMap((key) => candidate(paths, key, guestOf) ?? []);
  const results: Injection[] = [];
  for (const stage of planUnmerge(room(paths, copiesOf(candidates)), candidates)) {
    planUnmerge(room(paths, copiesOf(stage)), stage);
    results.push(...(await inject("reset", stage, options.signal)));
  }
  return results;
}

/** Writes run=2 from a process of its own. */
async function unmergeHost(paths: KsmPaths): Promise<void> {
  const { status, stderr } = await runHelper("ksm-unmerge", [join(paths.sysfs, "run")]);
  const left = readCounters(paths.sysfs);
  if (status === 0 && left.pagesShared === 0) return;
  throw new KsmError(
    "unmerge-failed",
    join(paths.sysfs, "run"),
    stderr || `${left.pagesShared} pages are still merged`,
    "free memory and try again; KSM is stopped and what is merged stays correct",
  );
}

/** Every process with merged pages. */
async function unmergeCandidates(paths: KsmPaths, options: UnmergeOptions): Promise<UnmergeCandidate[]> {
  const guestOf = options.guestOf ?? guestByNamespace(paths.proc);
  const found: UnmergeCandidate[] = [];
  for (const head of await listProcesses(paths.proc, options.signal)) {
    const one = candidate(paths, head, guestOf);
    if (one !== undefined && one.merged > 0) found.push(one);
  }
  return found;
}

function candidate(paths: KsmPaths, { pid, started }: ProcessKey, guestOf: GuestOf): UnmergeCandidate | undefined {
  const stat = readKsmStat(paths.proc, pid);
  if (stat === undefined || !isAlive(paths.proc, { pid, started })) return undefined;
  // Opted out, it has its copies already; the kernel's counters follow when ksmd comes by.
  const merged = stat.mergeable === false ? 0 : (stat.mergingPages + stat.zeroPages) * PAGE_BYTES;
  return { pid, started, merged, headroom: memoryHeadroom(paths.proc, pid), guest: guestOf(pid) };
}

function room(paths: KsmPaths, copies: number): UnmergeRoom {
  const total = /^MemTotal:\s+(\d+) kB/mu.exec(readFileSync(join(paths.proc, "meminfo"), "utf8"))?.[1];
  return { memAvailable: memAvailable(paths.proc), memTotal: Number(total ?? 0) * 1024, copies };
}
