/** One figure of a benchmark. */
export interface Measured {
  what: string;
  value: number;
  unit: string;
  /** The most it may be; absent where the figure only informs. */
  limit?: number;
}
