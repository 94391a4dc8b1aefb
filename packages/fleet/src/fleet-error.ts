/**
 * Stable reasons for which this package refuses an input.
 * - `bad-selector`, `bad-schedule`, `bad-zone`, `bad-share`, `bad-duration`, `bad-policy`, `bad-release`: the text or value cannot be understood.
 * - `no-hosts`: a plan without a host.
 * - `no-inverse`: a rollback of an operation that changes nothing.
 * - `wrong-state`: a command that the rollout's state does not allow.
 * - `unknown-host`: a command names a host outside the plan.
 */
export type FleetErrorCode =
  | "bad-selector"
  | "bad-schedule"
  | "bad-zone"
  | "bad-share"
  | "bad-duration"
  | "bad-policy"
  | "bad-release"
  | "no-hosts"
  | "no-inverse"
  | "wrong-state"
  | "unknown-host";

/** What is wrong, with what, and what to do. Thrown by everything in this package; nothing has changed when it is thrown. */
export class FleetError extends Error {
  readonly code: FleetErrorCode;
  /** The text, host or rollout concerned. */
  readonly subject: string;
  /** What to do about it, in one sentence. */
  readonly hint: string;
  /** Where in `subject` the mistake is (0 is its first character), for texts that are parsed. */
  readonly position: number | undefined;

  constructor(code: FleetErrorCode, subject: string, message: string, hint: string, position?: number) {
    super(message);
    this.name = "FleetError";
    this.code = code;
    this.subject = subject;
    this.hint = hint;
    this.position = position;
  }
}
