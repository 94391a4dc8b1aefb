/** What an agents' process is told. */
export interface AgentsOptions {
  readonly dir: string;
  readonly hosts: readonly string[];
  /** By host, for those that are no members yet. */
  readonly enrolments: Readonly<Record<string, { readonly controller: string; readonly host: string; readonly token: string; readonly fingerprint: string }>>;
  /** How long a job takes. */
  readonly milliseconds: number;
  /** A file to which each job's host is appended when it begins. */
  readonly journal: string;
  /** How far the process's clock is ahead; TLS, which asks the kernel, is not deceived. */
  readonly clockAheadMs: number;
}
