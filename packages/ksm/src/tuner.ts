import type { AdvisorMode, Knobs } from "./knobs.ts";
import type { KsmSample } from "./ksm-sample.ts";
import { dearestCost, FIRST_COST, updateCost } from "./page-cost.ts";
import type { PageCost } from "./page-cost.ts";

/** What the tuner may use. Fractions of one core are 0…1. */
export interface TunerLimits {
  /** ksmd's part of a core while there is something to merge. Default 0.7, as the kernel's advisor: nice 5, one thread. */
  readonly cpuCeiling: number;
  /** Its part of a core while memory is short and everything seems merged already. Default 0.2. */
  readonly pressureCpu: number;
  /** Its part of a core while the guests' memory keeps changing. Default 0.1: such a host never settles. */
  readonly steadyCpu: number;
  /** Its part of a core once settled. Default 0.004: the promise is below 0.01. */
  readonly idleCpu: number;
  /** A full scan that changes the merged pages by less than this fraction finds the host settled. Default 0.05. */
  readonly settleDelta: number;
  /** Full scans without settling after which the memory counts as ever-changing. Default 8: smart scan retries a page within 8. */
  readonly restlessScans: number;
  /** MemAvailable below this fraction of MemTotal is pressure. Default 0.2, as ksmtuned. */
  readonly lowMemory: number;
  /** PSI memory `some` above this percentage is pressure. Default 5. */
  readonly memoryPressure: number;
  /** Use the kernel's advisor where it serves better. Default true. */
  readonly useAdvisor: boolean;
}

export const DEFAULT_LIMITS: TunerLimits = {
  cpuCeiling: 0.7,
  pressureCpu: 0.2,
  steadyCpu: 0.1,
  idleCpu: 0.004,
  settleDelta: 0.05,
  restlessScans: 8,
  lowMemory: 0.2,
  memoryPressure: 5,
  useAdvisor: true,
};

/**
 * merging: as fast as the ceiling allows; settled: slow watch; pressed: settled, but memory is short; steady: memory
 * keeps changing, a constant share of a core, given by the advisor where the kernel has one.
 */
export type TunerPhase = "merging" | "settled" | "pressed" | "steady";

/** What the tuner remembers from sample to sample. */
export interface TunerState {
  readonly phase: TunerPhase;
  readonly last: KsmSample;
  /** Full scans when the phase began. */
  readonly phaseScans: number;
  /** The last full scan boundary seen: merged and zero pages then. */
  readonly boundary: { readonly scans: number; readonly merged: number };
  readonly cost: PageCost;
  /** When the phase began, and until when pressure is borne with because a scan for its sake gained nothing: milliseconds as `sample.at`. */
  readonly phaseAt: number;
  readonly restUntil: number;
  /** Pages that ksmd knew when the host settled. */
  readonly settledPages: number;
  /** The knobs decided last. */
  readonly knobs: Knobs;
}

/** What to do, and why. */
export interface TunerDecision {
  readonly phase: TunerPhase;
  /** The knobs wanted now. */
  readonly knobs: Knobs;
  /** One sentence for the log. */
  readonly reason: string;
  /** Look again after this many milliseconds. */
  readonly nextMs: number;
}

/** ksmd's sleep while busy and while idle, in milliseconds: short keeps the batches small, long keeps the wake-ups few. */
const BUSY_SLEEP_MS = 10;
const IDLE_SLEEP_MS = 200;
/** Batches: below 16 the wake-up costs more than the work; the upper end bounds what one wrong cost can do (1 GiB a batch). */
const MIN_BATCH = 16;
const MAX_BATCH = 262_144;
/** New pages, as a fraction of those known at settling, that are worth scanning fast again. */
const GROWTH = 0.05;
/** Fewer new pages than this (4 MiB) are noise. */
const MIN_GROWTH = 1024;
/** A batch this little above or below the last one is not worth a write. Below, it would be time over the ceiling. */
const DAMPING_UP = 0.2;
const DAMPING_DOWN = 0.05;
/** A full scan under pressure that gained nothing is not repeated for this many times as long as it took. */
const REST = 10;
const BUSY_INTERVAL_MS = 1000;
const IDLE_INTERVAL_MS = 10_000;

/** The state before the first decision. */
export function startTuner(sample: KsmSample): TunerState {
  return {
    phase: "merging",
    last: sample,
    phaseScans: sample.counters.fullScans,
    boundary: { scans: sample.counters.fullScans, merged: merged(sample) },
    cost: FIRST_COST,
    phaseAt: sample.at,
    restUntil: -Infinity,
    settledPages: 0,
    knobs: {},
  };
}

/**
 * One step of the tuner; pure.
 * @param hasAdvisor does this kernel have advisor_mode (6.8)?
 * @returns the decision, and the state for the next sample
 */
export function tune(
  state: TunerState,
  sample: KsmSample,
  limits: TunerLimits,
  hasAdvisor: boolean,
): { readonly state: TunerState; readonly decision: TunerDecision } {
  const { phase, reason, boundary, restart, isVain } = nextPhase(state, sample, limits);
  const entered = phase !== state.phase || restart === true;
  // While it merges every page may be the dearest one, whichever scan it is.
  const isNewScan = state.phase !== "merging" && sample.counters.fullScans > state.boundary.scans;
  const cost = updateCost(state.cost, state.last, sample, isNewScan);
  const decision = decide(phase, reason, cost, sample, limits, hasAdvisor);
  const knobs = entered ? decision.knobs : damp(state.knobs, decision.knobs);
  const next: TunerState = {
    phase,
    last: sample,
    phaseScans: entered ? sample.counters.fullScans : state.phaseScans,
    boundary,
    cost,
    phaseAt: entered ? sample.at : state.phaseAt,
    restUntil: isVain === true ? sample.at + REST * (sample.at - state.phaseAt) : state.restUntil,
    settledPages: phase === "settled" && (state.phase === "merging" || state.phase === "steady") ? knownPages(sample) : state.settledPages,
    knobs,
  };
  return { state: next, decision: { ...decision, knobs } };
}

interface Transition {
  readonly phase: TunerPhase;
  readonly reason: string;
  readonly boundary: TunerState["boundary"];
  /** True: the phase begins again although its name stays. */
  readonly restart?: boolean;
  /** True: a full scan for the sake of memory pressure gained nothing. */
  readonly isVain?: boolean;
}

/** Keeps a batch that is close enough: the cost of a page wobbles, and every write of a knob wakes ksmd. */
function damp(old: Knobs, wanted: Knobs): Knobs {
  const [from, to] = [old.pages_to_scan, wanted.pages_to_scan];
  if (from === undefined || to === undefined || to < from * (1 - DAMPING_DOWN) || to > from * (1 + DAMPING_UP)) return wanted;
  return { ...wanted, pages_to_scan: from };
}

function nextPhase(state: TunerState, sample: KsmSample, limits: TunerLimits): Transition {
  const { counters } = sample;
  const now = { scans: counters.fullScans, merged: merged(sample) };
  if (sample.members > state.last.members)
    return { phase: "merging", reason: `${sample.members - state.last.members} processes have joined: scan fast`, boundary: now, restart: true };
  // An un-merge sets full_scans back: count from there.
  if (counters.fullScans < state.boundary.scans) return { phase: "merging", reason: "the scan counter was reset: start over", boundary: now, restart: true };
  const crossed = counters.fullScans > state.boundary.scans;
  const boundary = crossed ? now : state.boundary;
  const pressure = pressureOf(sample, limits);
  switch (state.phase) {
    case "merging":
    case "steady": {
      const scans = counters.fullScans - state.phaseScans;
      const delta = change(state.boundary.merged, now.merged);
      // The first scan only notes checksums, the second merges: the third is the first that can show that all is done.
      if (crossed && scans >= 3 && delta < limits.settleDelta)
        return { phase: "settled", reason: `a full scan changed merged pages by ${percent(delta)}: settled`, boundary };
      if (state.phase === "steady") {
        if (pressure !== undefined && scans >= limits.restlessScans) return { phase: "merging", reason: `${pressure}: scan fast`, boundary };
        return { phase: "steady", reason: "memory keeps changing", boundary };
      }
      if (scans >= limits.restlessScans && pressure === undefined)
        return { phase: "steady", reason: `not settled after ${scans} full scans (last change ${percent(delta)}): constant share`, boundary };
      return { phase: "merging", reason: pressure ?? "merging, not settled yet", boundary };
    }
    case "settled":
    case "pressed": {
      const grown = knownPages(sample) - state.settledPages;
      if (grown > Math.max(MIN_GROWTH, state.settledPages * GROWTH))
        return { phase: "merging", reason: `${grown} new pages since it settled: scan fast`, boundary: now };
      if (crossed && change(state.boundary.merged, now.merged) >= limits.settleDelta && now.merged > state.boundary.merged)
        return { phase: "merging", reason: "a full scan still merged many pages: scan fast", boundary };
      if (state.phase === "pressed" && crossed && counters.fullScans - state.phaseScans >= 2)
        return { phase: "settled", reason: "a full scan under memory pressure gained nothing: settled", boundary, isVain: true };
      if (pressure !== undefined && sample.at >= state.restUntil) return { phase: "pressed", reason: `${pressure}: look harder`, boundary };
      return { phase: "settled", reason: "settled", boundary };
    }
  }
}

function decide(phase: TunerPhase, reason: string, cost: PageCost, sample: KsmSample, limits: TunerLimits, hasAdvisor: boolean): TunerDecision {
  const manual = { run: 1, ...(hasAdvisor ? { advisor_mode: "none" as AdvisorMode } : {}) };
  switch (phase) {
    case "merging": {
      const knobs = { ...manual, ...pace(limits.cpuCeiling, cost.usual, BUSY_SLEEP_MS) };
      // ksmd sleeps while nobody takes part and wakes by itself: the pace is set already, there is nothing to watch.
      if (sample.members === 0 && knownPages(sample) === 0) return { phase, reason: "nobody takes part yet", knobs, nextMs: IDLE_INTERVAL_MS };
      return { phase, reason, knobs, nextMs: BUSY_INTERVAL_MS };
    }
    case "pressed":
      return { phase, reason, knobs: { ...manual, ...pace(Math.min(limits.pressureCpu, limits.cpuCeiling), cost.usual, BUSY_SLEEP_MS) }, nextMs: BUSY_INTERVAL_MS };
    case "settled":
      return { phase, reason, knobs: { ...manual, ...pace(Math.min(limits.idleCpu, limits.cpuCeiling), dearestCost(cost), IDLE_SLEEP_MS) }, nextMs: IDLE_INTERVAL_MS };
    case "steady": {
      const share = Math.min(limits.steadyCpu, limits.cpuCeiling);
      const own = pace(share, cost.usual, BUSY_SLEEP_MS);
      if (!hasAdvisor || !limits.useAdvisor) return { phase, reason, knobs: { ...manual, ...own }, nextMs: IDLE_INTERVAL_MS };
      return { phase, reason: `${reason}; left to the kernel's advisor`, knobs: advisorKnobs(share, cost.usual, sample, own), nextMs: IDLE_INTERVAL_MS };
    }
  }
}

/**
 * The advisor adapts pages_to_scan after every scan, with the amount of memory and what it costs then; between our
 * samples that is better than a fixed number. The target is the time that one scan takes at our share of a core, and
 * the bounds keep it there: its own CPU limit cannot go below 10 %.
 */
function advisorKnobs(share: number, costNs: number, sample: KsmSample, own: { pages_to_scan: number; sleep_millisecs: number }): Knobs {
  const seconds = Math.round((knownPages(sample) * costNs) / 1e9 / share);
  return {
    run: 1,
    sleep_millisecs: own.sleep_millisecs,
    advisor_max_cpu: Math.min(100, Math.max(10, Math.round(share * 100))),
    advisor_target_scan_time: Math.max(1, seconds),
    advisor_min_pages_to_scan: MIN_BATCH,
    advisor_max_pages_to_scan: Math.max(MIN_BATCH + 1, own.pages_to_scan * 2),
    advisor_mode: "scan-time",
  };
}

/**
 * The batch and sleep that make ksmd use `share` of a core: it works batch × cost, then sleeps, so
 * share = work / (work + sleep) and batch = share / (1 − share) × sleep / cost.
 */
function pace(share: number, costNs: number, sleepMs: number): { pages_to_scan: number; sleep_millisecs: number } {
  const load = share / (1 - Math.min(share, 0.99));
  const batch = (load * sleepMs * 1e6) / costNs;
  // A page so dear that even the smallest batch is too much work for this sleep: sleep longer.
  if (batch < MIN_BATCH) return { pages_to_scan: MIN_BATCH, sleep_millisecs: Math.ceil((MIN_BATCH * costNs) / load / 1e6) };
  return { pages_to_scan: Math.round(Math.min(MAX_BATCH, batch)), sleep_millisecs: sleepMs };
}

/** Why memory is short, or `undefined`. */
function pressureOf(sample: KsmSample, limits: TunerLimits): string | undefined {
  const free = sample.memAvailable / sample.memTotal;
  if (free < limits.lowMemory) return `only ${percent(free)} of memory available`;
  if (sample.memoryPressure.some > limits.memoryPressure) return `tasks stall on memory ${sample.memoryPressure.some} % of the time`;
  return undefined;
}

function merged(sample: KsmSample): number {
  return sample.counters.pagesSharing + sample.counters.zeroPages;
}

function knownPages({ counters }: KsmSample): number {
  return counters.pagesShared + counters.pagesSharing + counters.pagesUnshared + counters.pagesVolatile + counters.zeroPages;
}

function change(from: number, to: number): number {
  return from === to ? 0 : Math.abs(to - from) / Math.max(from, to);
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(1)} %`;
}
