/** What an agents' process is told. */
export interface AgentsOptions {
  readonly dir: string;
  readonly hosts: readonly string[];
  /** By host, for those that are no members yet. */
  readonly enrolments: Readonly<Record<string, { readonly controller: string; readonly host: string; readonly token: string; readonly fingerprint: string }>>;
  readonly engine: AgentsEngine;
  /** A file to which a job's host is appended when its work begins, and `<host> <epoch ms>` when it ends. */
  readonly journal: string;
  /** How far the process's clock is ahead; TLS, which asks the kernel, is not deceived. */
  readonly clockAheadMs: number;
  /** A file with a number: jobs of so many hosts may go on, in the order in which they come; the others wait once they have begun. "": all may. */
  readonly allowed: string;
}

/** `simulated` only takes time. `real` is the engine itself over the guests below each host's root; slowed to a read rate if one is given. */
export type AgentsEngine = { readonly kind: "simulated"; readonly milliseconds: number } | { readonly kind: "real"; readonly bytesPerSecond?: number };
