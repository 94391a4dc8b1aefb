import type { KsmSample } from "./ksm-sample.ts";

/** The rungs, in the order in which they are climbed while things get worse. */
export const RUNGS = ["normal", "slower", "stopped", "opted-out", "un-merged"] as const;
export type Rung = (typeof RUNGS)[number];

export interface LadderLimits {
  /** ksmd's part of a core above which it is too much. Default 0.9: the tuner's ceiling and what a late sample can add. */
  readonly ksmdCpu: number;
  /** Copy-on-write breaks of merged pages a second. Default 20,000: 80 MiB/s of copying, a tenth of a core. */
  readonly cowBreaksPerSecond: number;
  /** PSI cpu `some`, percent of ten seconds, counted only while ksmd itself takes part. Default 60. */
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
  cpuPressure: 60,
  memoryPressure: 10,
  patience: 3,
  calm: 12,
};

/** ksmd's part of a core from which on it may be to blame for waiting for a processor. */
const KSMD_TAKES_PART = 0.05;

export interface LadderState {
  readonly rung: Rung;
  readonly bad: number;
  readonly good: number;
}

export const LADDER_START: LadderState = { rung: "normal", bad: 0, good: 0 };

export interface LadderStep {
  readonly state: LadderState;
  /** Set when the rung changed. */
  readonly change: { readonly from: Rung; readonly to: Rung; readonly reason: string } | undefined;
}

/**
 * One step of the back-off; pure. Regressions that last climb one rung at a time: slower → stopped → opted out →
 * un-merged. Calm goes back from slower and stopped. Opted out and un-merged stay until an operator tunes again: the
 * guests are out, and putting them back unasked would start the next round of the same trouble.
 */
export function climb(state: LadderState, last: KsmSample, sample: KsmSample, limits: LadderLimits): LadderStep {
  const reason = regression(last, sample, limits);
  const level = RUNGS.indexOf(state.rung);
  if (reason !== undefined) {
    const bad = state.bad + 1;
    const to = RUNGS[level + 1];
    if (bad < limits.patience || to === undefined) return { state: { rung: state.rung, bad: Math.min(bad, limits.patience), good: 0 }, change: undefined };
    return { state: { rung: to, bad: 0, good: 0 }, change: { from: state.rung, to, reason } };
  }
  const good = state.good + 1;
  const to = state.rung === "slower" || state.rung === "stopped" ? RUNGS[level - 1] : undefined;
  if (good < limits.calm || to === undefined) return { state: { rung: state.rung, bad: 0, good: Math.min(good, limits.calm) }, change: undefined };
  return { state: { rung: to, bad: 0, good: 0 }, change: { from: state.rung, to, reason: `calm for ${good} samples` } };
}

/** What got worse between two samples, or `undefined`. */
export function regression(last: KsmSample, sample: KsmSample, limits: LadderLimits): string | undefined {
  const seconds = (sample.at - last.at) / 1000;
  if (seconds <= 0) return undefined;
  const ksmd = (sample.ksmdCpuNs - last.ksmdCpuNs) / 1e9 / seconds;
  if (ksmd > limits.ksmdCpu) return `ksmd uses ${ksmd.toFixed(2)} of a core`;
  const breaks = ((sample.cowBreaks ?? 0) - (last.cowBreaks ?? 0)) / seconds;
  if (breaks > limits.cowBreaksPerSecond) return `${Math.round(breaks)} merged pages a second are written and copied again`;
  if (sample.memoryPressure.full > limits.memoryPressure) return `all tasks wait for memory ${sample.memoryPressure.full} % of the time`;
  if (sample.cpuPressure.some > limits.cpuPressure && ksmd > KSMD_TAKES_PART)
    return `tasks wait for a processor ${sample.cpuPressure.some} % of the time while ksmd uses ${ksmd.toFixed(2)} of a core`;
  return undefined;
}
