import type { Result } from "./measure.ts";

/** One thing that the run must show, and whether it did. */
export interface Promised {
  readonly what: string;
  /** The figures that decide. */
  readonly figures: string;
  readonly isMet: boolean;
}

/** Below this part of a core an idle host is idle. */
const IDLE = 0.01;

/** Judges a run: the first result is Samepage's, the others are compared with it. Empty when it ran alone. */
export function judge([ours, ...others]: readonly Result[]): Promised[] {
  if (ours === undefined || others.length === 0) return [];
  const time = ours.seconds ?? Infinity;
  return [
    ...others.map(({ name, seconds }) => ({
      what: `faster than ${name}`,
      figures: `${duration(ours.seconds)} against ${duration(seconds)}`,
      isMet: time < (seconds ?? Infinity),
    })),
    // One that never got there has spent less because it did less.
    ...others
      .filter(({ seconds }) => seconds !== null)
      .map(({ name, ksmd }) => ({ what: `no more processor seconds of ksmd than ${name}`, figures: `${ours.ksmd.toFixed(2)} against ${ksmd.toFixed(2)}`, isMet: ours.ksmd <= ksmd })),
    { what: "idle after settling for less than 1 % of a core", figures: ours.idle === null ? "never settled" : `${(ours.idle * 100).toFixed(2)} %`, isMet: (ours.idle ?? 1) < IDLE },
  ];
}

function duration(seconds: number | null): string {
  return seconds === null ? "not reached" : `${seconds.toFixed(1)} s`;
}
