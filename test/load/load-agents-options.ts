/** What one simulator process is told, as a JSON file. */
export interface LoadAgentsOptions {
  /** Where the agents keep their state. */
  readonly dir: string;
  /** Agents that have enrolled before (their state is in `dir`) do not use their token again. */
  readonly enrolments: readonly { readonly controller: string; readonly host: string; readonly token: string; readonly fingerprint: string }[];
  /** PEM: the agents enrol over one connection instead of each by itself, which takes a third of the time. */
  readonly authorities?: string;
  /** A job takes anything from the first to the second, ms. */
  readonly milliseconds: readonly [number, number];
  /** Share of jobs that fail, 0 … 1. */
  readonly failing: number;
  /** Share of jobs in which the agent is cut off and started again, 0 … 1. */
  readonly restarting: number;
  /** A file to which `begun|ended host milliseconds-since-the-epoch` is appended for every job; none when left out. */
  readonly journal?: string;
}
