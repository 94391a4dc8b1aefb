import { ControllerError, type ControllerErrorCode } from "@samepage/controller/api";
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

/** What the controller says was asked wrongly, or is not allowed; every other of its errors is a failure. */
const controllerExitCodes: Partial<Record<ControllerErrorCode, ExitCode>> = { invalid: exitCode.usage, "not-found": exitCode.usage, forbidden: exitCode.refused };

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
    // The packages' own errors: a stable code and a hint.
    return {
      code: "code" in thrown && typeof thrown.code === "string" ? thrown.code : "internal",
      message: withCause(thrown),
      hint: "hint" in thrown && typeof thrown.hint === "string" ? thrown.hint : "",
      exitCode: (thrown instanceof ControllerError ? controllerExitCodes[thrown.code] : undefined) ?? exitCode.failed,
    };
  }
  return { code: "internal", message: String(thrown), hint: "", exitCode: exitCode.failed };
}

/** `samepage: what: why. What to do.` on one line, whatever the parts contain. */
export function errorLine({ message, hint }: ShownError): string {
  const remedy = oneLine(hint);
  return `samepage: ${oneLine(message).replace(/\.$/u, "")}.${remedy === "" ? "" : ` ${remedy.charAt(0).toUpperCase()}${remedy.slice(1)}`}`;
}

function oneLine(text: string): string {
  return printable(text.trim().replaceAll(/\s*\n\s*/gu, " "));
}

function withCause(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error) || cause.message === "" || error.message.includes(cause.message)) return error.message;
  return `${error.message}: ${cause.message}`;
}
