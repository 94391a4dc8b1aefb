import { CliError } from "./cli-error.ts";
import { CommanderError } from "./build-program.ts";
import { exitCode, type ExitCode } from "./exit-code.ts";
import { printable } from "./terminal/text-width.ts";

/** An error as the operator sees it: the one line and the object for `--json` say the same. */
export interface ShownError {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly exitCode: ExitCode;
}

/** Turns whatever was thrown into what, why and what to do. */
export function shownError(thrown: unknown): ShownError {
  if (thrown instanceof CliError) return { code: thrown.code, message: thrown.message, hint: thrown.hint, exitCode: thrown.exitCode };
  if (thrown instanceof CommanderError) {
    return {
      code: "bad-argument",
      message: thrown.message.replace(/^error: /u, "").replaceAll("\n", " "),
      hint: "See --help of this command.",
      exitCode: exitCode.usage,
    };
  }
  if (thrown instanceof Error) {
    // The packages' own errors: a stable code and a hint; some say whether it was the caller's fault or a rule.
    return {
      code: "code" in thrown && typeof thrown.code === "string" ? thrown.code : "internal",
      message: withCause(thrown),
      hint: "hint" in thrown && typeof thrown.hint === "string" ? thrown.hint : "",
      exitCode: "exitCode" in thrown && (thrown.exitCode === exitCode.usage || thrown.exitCode === exitCode.refused) ? thrown.exitCode : exitCode.failed,
    };
  }
  return { code: "internal", message: String(thrown), hint: "", exitCode: exitCode.failed };
}

/** `samepage: what: why. What to do.` on one line, whatever the parts contain. */
export function errorLine({ message, hint }: ShownError): string {
  const what = printable(message.trim().replaceAll(/\s*\n\s*/gu, " ")).replace(/\.$/u, "");
  return `samepage: ${what}.${hint === "" ? "" : ` ${printable(hint.trim().replaceAll(/\s*\n\s*/gu, " "))}`}`;
}

function withCause(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error) || cause.message === "" || error.message.includes(cause.message)) return error.message;
  return `${error.message}: ${cause.message}`;
}
