import type { KsmSample } from "./ksm-sample.ts";

/** The rungs, in the order in which they are climbed while things get worse. */
export const RUNGS = ["normal", "slower", "stopped", "opted-out", "un-merged"] as const;
export type Rung = (typeof RUNGS)[number];

export interface LadderLimits {
  /** ksmd's part of a core above which it is too much. Default 0.9: the tuner's ceiling and what a late sample can add. */
  readonly ksmdCpu: number;
  /** Copy-on-write breaks of merged pages a second. Default 20,000: 80 MiB/s of copying, a tenth of a core. */
  readonly cowBreaksPerSecond: number;
  /** PSI cpu `some`, percent of ten seconds, and this much more than while ksmd was idle. Default 20: what one thread can add. */
  readonly cpuPressure: number;
  /** PSI memory `full`, percent of ten seconds: everybody waits for memory. Default 10. */
  readonly memoryPressure: number;
  /** Bad samples in a row before a rung is climbed. Default 3: one is noise. */
  readonly patience: number;
  /** Good samples in a row before a rung is left again. Default 12: coming back must be slower than leaving. */
  readonly calm: number;
}

export const DEFAULT_LADDER_LIMITS: LadderLimits = {
  ksmdCpu: 0.9,
  cowBreaksPerSecond: 20_000,
  cpuPressure: 20,
  memoryPressure: 10,
  patience: 3,
  calm: 12,
};

/** ksmd's part of a core from which on it may be to blame for waiting for a processor: it runs at nice 5. */
const KSMD_TAKES_PART = 0.2;
/** Weight of the newest sample in what is normal without ksmd. */
const BASELINE_WEIGHT = 0.2;

export interface LadderState {
  readonly rung: Rung;
  readonly bad: number;
  readonly good: number;
  /** PSI cpu `some` while ksmd is idle: a host that is busy without KSM has not regressed. `undefined`: not known yet. */
  readonly cpuBaseline: number | undefined;
}

export const LADDER_START: LadderState = { rung: "normal", bad: 0, good: 0, cpuBaseline: undefined };

export interface LadderStep {
  readonly state: LadderState;
  /** Set when the rung changed. */
  readonly change: { readonly from: Rung; readonly to: Rung; readonly reason: string } | undefined;
}

/**
 * One step of the back-off; pure. Regressions that last climb one rung at a time: slower → stopped → opted out →
 * un-merged. Short memory climbs to stopped and no further: private copies would need the very memory that is short.
 * Calm goes back from slower and stopped. Opted out and un-merged stay until an operator tunes again: the
 * guests are out, and putting them back unasked would start the next round of the same trouble.
 */
export function climb(state: LadderState, last: KsmSample, sample: KsmSample, limits: LadderLimits): LadderStep {
  const cpuBaseline = baseline(state.cpuBaseline, last, sample);
  const worse = regression(last, sample, limits, state.cpuBaseline ?? cpuBaseline);
  const level = RUNGS.indexOf(state.rung);
  const stay = (bad: number, good: number): LadderStep => ({ state: { rung: state.rung, bad, good, cpuBaseline }, change: undefined });
  const move = (to: Rung, reason: string): LadderStep => ({ state: { rung: to, bad: 0, good: 0, cpuBaseline }, change: { from: state.rung, to, reason } });
  if (worse !== undefined) {
    const bad = state.bad + 1;
    const to = worse.isMemory && state.rung === "stopped" ? undefined : RUNGS[level + 1];
    return bad < limits.patience || to === undefined ? stay(Math.min(bad, limits.patience), 0) : move(to, worse.reason);
  }
  const good = state.good + 1;
  const to = state.rung === "slower" || state.rung === "stopped" ? RUNGS[level - 1] : undefined;
  return good < limits.calm || to === undefined ? stay(0, Math.min(good, limits.calm)) : move(to, `calm for ${good} samples`);
}

function ksmdShare(last: KsmSample, sample: KsmSample): number {
  return (sample.ksmdCpuNs - last.ksmdCpuNs) / 1e6 / (sample.at - last.at);
}

/** What is normal without ksmd: learned from samples in which it was idle, and from the very first. */
function baseline(known: number | undefined, last: KsmSample, sample: KsmSample): number {
  const { some } = sample.cpuPressure;
  if (known === undefined) return last.cpuPressure.some;
  return sample.at > last.at && ksmdShare(last, sample) < KSMD_TAKES_PART ? known + BASELINE_WEIGHT * (some - known) : known;
}

interface Regression {
  readonly reason: string;
  readonly isMemory: boolean;
}

/** What got worse between two samples, or `undefined`. */
export function regression(last: KsmSample, sample: KsmSample, limits: LadderLimits, cpuBaseline: number): Regression | undefined {
  const seconds = (sample.at - last.at) / 1000;
  if (seconds <= 0) return undefined;
  const ksmd = ksmdShare(last, sample);
  const because = (reason: string, isMemory = false): Regression => ({ reason, isMemory });
  if (ksmd > limits.ksmdCpu) return because(`ksmd uses ${ksmd.toFixed(2)} of a core`);
  const breaks = ((sample.cowBreaks ?? 0) - (last.cowBreaks ?? 0)) / seconds;
  if (breaks > limits.cowBreaksPerSecond) return because(`${Math.round(breaks)} merged pages a second are written and copied again`);
  if (sample.memoryPressure.full > limits.memoryPressure) return because(`all tasks wait for memory ${sample.memoryPressure.full} % of the time`, true);
  if (ksmd >= KSMD_TAKES_PART && sample.cpuPressure.some > cpuBaseline + limits.cpuPressure)
    return because(`tasks wait for a processor ${sample.cpuPressure.some} % of the time, ${cpuBaseline.toFixed(0)} % without ksmd, which uses ${ksmd.toFixed(2)} of a core`);
  return undefined;
}
