import { setTimeout } from "node:timers/promises";
import { DEFAULT_DENYLIST, denyRule } from "./denylist.ts";
import type { DenyRule } from "./denylist.ts";
import { guestProcesses } from "./guest-processes.ts";
import type { GuestSelector } from "./guest-processes.ts";
import { inject } from "./inject.ts";
import type { InjectOutcome } from "./inject.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { isMergeable, readKsmStat } from "./ksm-stat.ts";
import type { ProcessHead, ProcessKey } from "./process-key.ts";
import { recordEnrolled } from "./enrolled.ts";

/** What became of one process of the guest. */
export type EnrollOutcome =
  /** Opted in or out by us, and ksm_stat says so. */
  | "verified"
  /** It was so before. */
  | "already"
  /** The prctl answered 0 but ksm_stat disagrees. */
  | "unverified"
  /** Kept out by the denylist. */
  | "denylisted"
  | Exclude<InjectOutcome, "done">;

export interface EnrolledProcess extends ProcessKey {
  readonly comm: string;
  readonly outcome: EnrollOutcome;
  readonly detail: string;
}

export interface EnrollReport {
  /** True: the last scan found nothing left to do. */
  readonly stable: boolean;
  /** Scans made. */
  readonly rounds: number;
  readonly counts: Readonly<Partial<Record<EnrollOutcome, number>>>;
  readonly processes: readonly EnrolledProcess[];
}

export interface EnrollOptions {
  /** Programs kept out. Default: databases and key holders. */
  readonly denylist?: readonly DenyRule[];
  /** Scans at most; default 20. A guest that forks faster than this is reported as not stable. */
  readonly maxRounds?: number;
  readonly signal?: AbortSignal;
}

/** A process in uninterruptible sleep or vfork usually leaves it within this many milliseconds. */
const BUSY_PAUSE_MS = 50;
/** After this many scans a busy process is reported as busy. */
const BUSY_ROUNDS = 5;

/**
 * Opts a running guest in, process by process, scanning again until a scan finds nothing new: children forked in the
 * meantime by a process not yet opted in are caught, all others inherit. Each is verified through ksm_stat.
 */
export async function enrollGuest(paths: KsmPaths, selector: GuestSelector, options: EnrollOptions = {}): Promise<EnrollReport> {
  const rules = options.denylist ?? DEFAULT_DENYLIST;
  const report = await untilStable(paths.proc, selector, options, {
    mode: "on",
    isDone: (head) => readKsmStat(paths.proc, head.pid)?.mergeAny ?? isMergeable(paths.proc, head.pid) ?? false,
    keepOut: (head) => denyRule(paths.proc, head, rules),
  });
  await recordEnrolled(
    paths,
    report.processes.filter((process) => process.outcome === "verified"),
  );
  return report;
}

/**
 * The way back: opts every process of a guest out, which gives it private copies of its merged pages. The caller has
 * checked that memory suffices. Areas that a program advised by itself are withdrawn too.
 */
export async function withdrawGuest(paths: KsmPaths, selector: GuestSelector, options: EnrollOptions = {}): Promise<EnrollReport> {
  return untilStable(paths.proc, selector, options, {
    mode: "reset",
    isDone: (head) => isMergeable(paths.proc, head.pid) === false,
    keepOut: () => undefined,
  });
}

interface Way {
  readonly mode: "on" | "reset";
  readonly isDone: (head: ProcessHead) => boolean;
  readonly keepOut: (head: ProcessHead) => DenyRule | undefined;
}

async function untilStable(proc: string, selector: GuestSelector, options: EnrollOptions, way: Way): Promise<EnrollReport> {
  const seen = new Map<string, EnrolledProcess>();
  const busy = new Map<string, number>();
  const maxRounds = options.maxRounds ?? 20;
  let rounds = 0;
  let stable = false;
  while (!stable && rounds < maxRounds) {
    rounds++;
    const open = (await guestProcesses(proc, selector, options.signal)).filter((head) => !seen.has(keyOf(head)));
    const todo = open.filter((head) => !settle(head, seen, way));
    const outcomes = new Map((await inject(way.mode, todo, options.signal)).map((result) => [result.pid, result]));
    for (const head of todo) {
      const result = outcomes.get(head.pid) ?? { outcome: "failed" as const, detail: "no answer" };
      const key = keyOf(head);
      const tries = (busy.get(key) ?? 0) + 1;
      busy.set(key, tries);
      if (result.outcome === "busy" && tries < BUSY_ROUNDS) continue;
      const outcome = result.outcome === "done" ? (way.isDone(head) ? "verified" : "unverified") : result.outcome;
      seen.set(key, { pid: head.pid, started: head.started, comm: head.comm, outcome, detail: result.detail });
    }
    stable = todo.length === 0;
    if (todo.some((head) => !seen.has(keyOf(head)))) await setTimeout(BUSY_PAUSE_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
  }
  const processes = [...seen.values()];
  const counts: Partial<Record<EnrollOutcome, number>> = {};
  for (const { outcome } of processes) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return { stable, rounds, counts, processes };
}

/** Notes a process that needs no injection; answers whether it was one. */
function settle(head: ProcessHead, seen: Map<string, EnrolledProcess>, way: Way): boolean {
  const note = (outcome: EnrollOutcome, detail: string): true => {
    seen.set(keyOf(head), { pid: head.pid, started: head.started, comm: head.comm, outcome, detail });
    return true;
  };
  if (head.state === "Z" || head.state === "X") return note("zombie", "");
  const rule = way.keepOut(head);
  if (rule !== undefined) return note("denylisted", rule.reason);
  if (way.isDone(head)) return note("already", "");
  return false;
}

function keyOf(key: ProcessKey): string {
  return `${key.pid}:${key.started}`;
}
