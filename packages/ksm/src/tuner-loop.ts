import { setTimeout } from "node:timers/promises";
import { climb, DEFAULT_LADDER_LIMITS, LADDER_START } from "./back-off-ladder.ts";
import type { LadderLimits, Rung } from "./back-off-ladder.ts";
import { foreignChanges, requireNoTuner } from "./foreign-writers.ts";
import type { ForeignChange } from "./foreign-writers.ts";
import { guestProcesses, listProcesses } from "./guest-processes.ts";
import { KsmError } from "./ksm-error.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { findKsmd, takeSample } from "./ksm-sample.ts";
import { isMergeable, readKsmStat } from "./ksm-stat.ts";
import { readKnobs } from "./knob-files.ts";
import type { Knobs } from "./knobs.ts";
import { profitGuard } from "./profit-guard.ts";
import type { ProfitHistory } from "./profit-guard.ts";
import { guestByNamespace, HOST_GUEST, readLedger } from "./read-ledger.ts";
import type { GuestOf } from "./read-ledger.ts";
import { bootId, readState } from "./state-file.ts";
import { applyKnobs } from "./transaction.ts";
import { DEFAULT_LIMITS, startTuner, tune } from "./tuner.ts";
import type { TunerDecision, TunerLimits } from "./tuner.ts";
import { optOut, unmergeAll } from "./unmerge.ts";

/** What happened in one step, for the log. */
export type TunerEvent =
  | { readonly kind: "decision"; readonly decision: TunerDecision; readonly ksmdCpu: number }
  | { readonly kind: "ladder"; readonly from: Rung; readonly to: Rung; readonly reason: string }
  /** A rung could not be acted on: there is no room for the copies. */
  | { readonly kind: "held"; readonly rung: Rung; readonly reason: string }
  | { readonly kind: "foreign"; readonly changes: readonly ForeignChange[] }
  | { readonly kind: "opt-out"; readonly guest: string; readonly reason: string; readonly processes: number };

export interface TunerLoopOptions {
  readonly limits?: TunerLimits;
  readonly ladder?: LadderLimits;
  /** Knobs held beside the tuner's own, e.g. use_zero_pages. */
  readonly fixed?: Knobs;
  readonly guestOf?: GuestOf;
  readonly onEvent?: (event: TunerEvent) => void;
  readonly signal: AbortSignal;
}

/** Members are counted this often: a small file a process, so 5,000 processes cost about a percent of a core. */
const MEMBERS_EVERY_MS = 5000;
/** The account is read this often for the profit guard: it costs a walk over the page tables of every member. */
const PROFIT_EVERY_MS = 300_000;
/** On the rung `slower` the ceiling shrinks to this part of itself. */
const SLOWER = 0.25;

/**
 * Tunes until aborted. Leaves the knobs as they are at the end: `ksmOff` puts them back.
 * Once somebody else writes a knob of ours it reports that and writes nothing more: whoever did it, meant it.
 * @throws KsmError other-tuner at the start, and whatever a transaction throws
 */
export async function runTuner(paths: KsmPaths, options: TunerLoopOptions): Promise<void> {
  const { signal } = options;
  const report = options.onEvent ?? ((): void => undefined);
  const limits = options.limits ?? DEFAULT_LIMITS;
  const guestOf = options.guestOf ?? guestByNamespace(paths.proc);
  await requireNoTuner(paths.proc, signal);
  if (options.fixed !== undefined) await applyKnobs(paths, options.fixed);
  const hasAdvisor = readKnobs(paths.sysfs).advisor_mode !== undefined;
  const ksmd = await findKsmd(paths.proc);
  let members = 0;
  let membersAt = -Infinity;
  let profitAt = performance.now();
  let history: ProfitHistory = new Map();
  let ladder = LADDER_START;
  let state = startTuner(takeSample(paths, ksmd, members));
  for (let step = 0; !signal.aborted; step++) {
    if (performance.now() - membersAt >= MEMBERS_EVERY_MS) {
      members = await countMembers(paths.proc, signal);
      membersAt = performance.now();
    }
    const last = state.last;
    const sample = takeSample(paths, ksmd, members);
    const changes = foreignChanges(readState(paths.state, bootId(paths.proc))?.written ?? {}, readKnobs(paths.sysfs));
    if (changes.length > 0) {
      report({ kind: "foreign", changes });
      // Found at the start: tuning was asked for after that, so it goes on.
      if (step > 0) return;
    }
    const rung = climb(ladder, last, sample, options.ladder ?? DEFAULT_LADDER_LIMITS);
    ladder = rung.state;
    if (rung.change !== undefined) {
      report({ kind: "ladder", ...rung.change });
      try {
        await act(rung.change.to, rung.change.reason);
      } catch (error) {
        if (!(error instanceof KsmError) || error.code !== "no-room") throw error;
        report({ kind: "held", rung: rung.change.to, reason: error.message });
      }
    }
    const slower = ladder.rung === "slower" ? { ...limits, cpuCeiling: limits.cpuCeiling * SLOWER } : limits;
    const tuned = tune(state, sample, slower, hasAdvisor);
    state = tuned.state;
    if (ladder.rung === "normal" || ladder.rung === "slower") {
      await applyKnobs(paths, tuned.decision.knobs);
      const seconds = (sample.at - last.at) / 1000;
      report({ kind: "decision", decision: tuned.decision, ksmdCpu: seconds > 0 ? (sample.ksmdCpuNs - last.ksmdCpuNs) / 1e9 / seconds : 0 });
    }
    if (performance.now() - profitAt >= PROFIT_EVERY_MS) {
      profitAt = performance.now();
      const { guests } = await readLedger(paths, guestOf, signal);
      const verdict = profitGuard(history, guests, tuned.decision.phase === "settled");
      history = verdict.history;
      for (const guest of verdict.optOut) await optOutGuest(guest, "it costs more bookkeeping than it saves");
    }
    await pause(Math.min(tuned.decision.nextMs, Math.max(0, membersAt + MEMBERS_EVERY_MS - performance.now())), signal);
  }

  async function act(rung: Rung, reason: string): Promise<void> {
    if (rung === "stopped") await applyKnobs(paths, { run: 0 });
    if (rung === "opted-out") {
      const { guests } = await readLedger(paths, guestOf, signal);
      for (const { name } of guests.toReversed()) await optOutGuest(name, reason);
    }
    if (rung === "un-merged") {
      await unmergeAll(paths, { guestOf, signal });
      await applyKnobs(paths, { run: 0 });
    }
  }

  async function optOutGuest(guest: string, reason: string): Promise<void> {
    const heads = (await guestProcesses(paths.proc, { by: "pids", pids: await membersOf(paths.proc, guest, guestOf, signal) }, signal)).filter(
      (head) => guest !== HOST_GUEST || isMergeable(paths.proc, head.pid) === true,
    );
    const results = await optOut(paths, heads, { guestOf, signal });
    report({ kind: "opt-out", guest, reason, processes: results.filter((result) => result.outcome === "done").length });
  }
}

/** Processes that take part in KSM. */
async function countMembers(proc: string, signal?: AbortSignal): Promise<number> {
  return (await listProcesses(proc, signal)).filter((head) => {
    const stat = readKsmStat(proc, head.pid);
    // Kernels that do not say so: a process that ksmd tracks takes part, found one scan late.
    return stat?.mergeable ?? (stat?.rmapItems ?? 0) > 0;
  }).length;
}

async function membersOf(proc: string, guest: string, guestOf: GuestOf, signal: AbortSignal): Promise<number[]> {
  return (await listProcesses(proc, signal)).filter((head) => guestOf(head.pid) === guest && isMergeable(proc, head.pid) === true).map((head) => head.pid);
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await setTimeout(milliseconds, undefined, { signal });
  } catch {
    // Aborted: the loop's condition sees it.
  }
}
