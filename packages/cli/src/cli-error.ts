import { exitCode, type ExitCode } from "./exit-code.ts";

/** Everything `samepage` itself can refuse. Stable: scripts match on it. */
export type CliErrorCode =
  | "bad-argument"
  | "not-found"
  | "not-a-directory"
  | "other-file-system"
  | "nested-guests"
  | "needs-root"
  | "cancelled"
  | "redis-missing"
  | "redis-failed"
  | "controller-unreachable"
  | "work-failed";

/** An error of the command line: one clear line of what, why and what to do. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;
  /** What the operator can do about it, as a sentence. */
  readonly hint: string;
  readonly exitCode: ExitCode;

  constructor(code: CliErrorCode, message: string, hint: string, options: ErrorOptions & { exitCode?: ExitCode } = {}) {
    super(message, options);
    this.code = code;
    this.hint = hint;
    this.exitCode = options.exitCode ?? exitCode.usage;
  }
}
