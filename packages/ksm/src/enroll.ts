import { setTimeout } from "node:timers/promises";
import { DEFAULT_DENYLIST, denyRule } from "./denylist.ts";
import type { DenyRule } from "./denylist.ts";
import { GuestScanner } from "./guest-processes.ts";
import type { GuestSelector } from "./guest-processes.ts";
import { inject } from "./inject.ts";
import type { InjectOutcome } from "./inject.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { isMergeable, readKsmStat } from "./ksm-stat.ts";
import { isAlive } from "./process-key.ts";
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
  /** True: the last scan found nothing left to do, and no process ended under it. */
  readonly stable: boolean;
  /** Scans made. */
  readonly rounds: number;
  readonly counts: Readonly<Partial<Record<EnrollOutcome, number>>>;
  readonly processes: readonly EnrolledProcess[];
}

export interface EnrollOptions {
  /** Programs kept out. Default: databases and key holders. */
  readonly denylist?: readonly DenyRule[];
  /** Scans at most; default 50: a host where processes end all the time needs several until one is clean. */
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
  const scanner = new GuestScanner(proc, selector);
  const seen: EnrolledProcess[] = [];
  /** Busy processes, with the times that they were tried. */
  let busy = new Map<ProcessHead, number>();
  const maxRounds = options.maxRounds ?? 50;
  let rounds = 0;
  let stable = false;
  while (!stable && rounds < maxRounds) {
    rounds++;
    if (busy.size > 0) await setTimeout(BUSY_PAUSE_MS, undefined, options.signal === undefined ? {} : { signal: options.signal });
    const { processes: fresh, vanished } = await scanner.scan(options.signal);
    const todo: ProcessHead[] = [...busy.keys()];
    for (const head of fresh) {
      const settled = settle(head, way);
      if (settled === undefined) todo.push(head);
      else seen.push(settled);
    }
    const outcomes = new Map((await inject(way.mode, todo, options.signal)).map((result) => [result.pid, result]));
    const again = new Map<ProcessHead, number>();
    for (const head of todo) {
      const { outcome, detail } = outcomes.get(head.pid) ?? { outcome: "failed" as const, detail: "no answer" };
      const tries = (busy.get(head) ?? 0) + 1;
      // One that lives on though it was "gone" has replaced the thread that was asked, by an exec: it is asked again.
      const isWorthATry = outcome === "busy" || (outcome === "gone" && isAlive(proc, head));
      if (isWorthATry && tries < BUSY_ROUNDS) again.set(head, tries);
      else seen.push(entry(head, outcome === "done" ? (way.isDone(head) ? "verified" : "unverified") : outcome, detail));
    }
    busy = again;
    // A process that ended under the look may have been the guest's, and have left a child that nobody saw.
    stable = todo.length === 0 && vanished === 0;
  }
  const counts: Partial<Record<EnrollOutcome, number>> = {};
  for (const { outcome } of seen) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return { stable, rounds, counts, processes: seen };
}

/** What is known of a process without injecting anything; `undefined`: nothing yet. */
function settle(head: ProcessHead, way: Way): EnrolledProcess | undefined {
  if (head.state === "Z" || head.state === "X") return entry(head, "zombie", "");
  const rule = way.keepOut(head);
  if (rule !== undefined) return entry(head, "denylisted", rule.reason);
  return way.isDone(head) ? entry(head, "already", "") : undefined;
}

function entry({ pid, started, comm }: ProcessHead, outcome: EnrollOutcome, detail: string): EnrolledProcess {
  return { pid, started, comm, outcome, detail };
}
