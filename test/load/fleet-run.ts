import type { FleetMeasures } from "./measure-fleet.ts";

/** One run as fleet.json keeps it. */
export interface FleetRun {
  /** `2026-01-31` */
  readonly on: string;
  readonly machine: string;
  /** Runnable processes over the minute before the run. */
  readonly loadBefore: number;
  readonly measures: FleetMeasures;
}
