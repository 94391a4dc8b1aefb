/** What the simulator is told, as a JSON file. */
export interface LoadAgentsOptions {
  /** Where the agents keep their state. */
  readonly dir: string;
  readonly enrolments: readonly { readonly controller: string; readonly host: string; readonly token: string; readonly fingerprint: string }[];
  /** A job takes anything from the first to the second, ms. */
  readonly milliseconds: readonly [number, number];
  /** Share of jobs that fail, 0 … 1. */
  readonly failing: number;
  /** Share of jobs in which the agent is restarted, 0 … 1. */
  readonly restarting: number;
  /** A file to which `host milliseconds-since-the-epoch` is appended when a job begins. */
  readonly journal: string;
}
