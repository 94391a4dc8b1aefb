/** What went wrong, for programs: stable, one per kind of remedy. */
export type UnifyErrorCode =
  | "bad-exclude-rule"
  | "bad-guest"
  | "bad-option"
  | "no-guests"
  | "path-missing"
  | "not-a-directory"
  | "nested-guests"
  | "other-file-system"
  | "unknown-strategy"
  | "unknown-guard"
  | "guard-not-available"
  | "strategy-not-available"
  | "not-permitted"
  | "read-only-file-system"
  | "plan-outdated"
  | "state-damaged"
  | "input-output"
  | "package-database-corrupt"
  | "package-database-unsupported"
  | "cancelled";

/** The one error this package throws: names the path concerned, what to do about it, and keeps the cause. */
export class UnifyError extends Error {
  override readonly name = "UnifyError";
  readonly code: UnifyErrorCode;
  /** The file, directory or input line concerned; escaped where it is not printable. */
  readonly path: string;
  /** One sentence: what the operator can do. */
  readonly hint: string;

  constructor(code: UnifyErrorCode, path: string, message: string, hint: string, options?: ErrorOptions) {
    super(`${path}: ${message}`, options);
    this.code = code;
    this.path = path;
    this.hint = hint;
  }
}
