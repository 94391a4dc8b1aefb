/** Who did what, when. Append-only; exported as JSON lines. */
export interface AuditView {
  readonly id: string;
  readonly at: string;
  /** The operator token's name, `host:<name>` or `controller`. */
  readonly actor: string;
  /** e.g. `rollout.create`, `host.enrol`, `token.create`. */
  readonly action: string;
  /** What it was done to, e.g. a rollout id or host name. */
  readonly target: string;
  readonly detail: Readonly<Record<string, unknown>>;
}
