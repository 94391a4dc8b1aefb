import type { ControllerErrorCode } from "@samepage/controller/api";
import type { KsmErrorCode } from "@samepage/ksm";
import type { UnifyErrorCode } from "@samepage/unify";
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
    return { code: "bad-argument", message: thrown.message.replace(/^error: /u, ""), hint: "See --help of this command.", exitCode: exitCode.usage };
  }
  if (thrown instanceof Error) {
    // The packages' own errors: a stable code and a hint.
    const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : "internal";
    return { code, message: withCause(thrown), hint: "hint" in thrown && typeof thrown.hint === "string" ? thrown.hint : "", exitCode: exitCodeOf(thrown.name, code) };
  }
  return { code: "internal", message: String(thrown), hint: "", exitCode: exitCode.failed };
}

/** `samepage: what: why. What to do.` on one line, whatever the parts contain. */
export function errorLine({ message, hint }: ShownError): string {
  const remedy = oneLine(hint);
  return `samepage: ${oneLine(message).replace(/\.$/u, "")}.${remedy === "" ? "" : ` ${sentence(remedy)}`}`;
}

function sentence(hint: string): string {
  return hint.startsWith("samepage ") ? `Try: ${hint}` : `${hint.charAt(0).toUpperCase()}${hint.slice(1)}`;
}

// Error classes are told apart by name: importing them would load every package, native parts too, for each `--help`.
const usageCodes: Readonly<Record<string, ReadonlySet<string>>> = {
  UnifyError: new Set<UnifyErrorCode>([
    "bad-exclude-rule", "bad-guest", "bad-option", "no-guests", "path-missing", "not-a-directory", "nested-guests", "other-file-system", "unknown-strategy", "unknown-guard",
  ]),
  ControllerError: new Set<ControllerErrorCode>(["invalid", "not-found"]),
  KsmError: new Set<KsmErrorCode>(["out-of-range", "conflict", "unsupported", "no-guest"]),
};
const refusedCodes: Readonly<Record<string, ReadonlySet<string>>> = {
  ControllerError: new Set<ControllerErrorCode>(["forbidden"]),
  KsmError: new Set<KsmErrorCode>(["other-tuner", "no-room"]),
};

function exitCodeOf(name: string, code: string): ExitCode {
  if (usageCodes[name]?.has(code) === true) return exitCode.usage;
  return refusedCodes[name]?.has(code) === true ? exitCode.refused : exitCode.failed;
}

function oneLine(text: string): string {
  return printable(text.trim().replaceAll(/\s*\n\s*/gu, " "));
}

function withCause(error: Error): string {
  const { cause } = error;
  if (!(cause instanceof Error) || cause.message === "" || error.message.includes(cause.message)) return error.message;
  return `${error.message}: ${cause.message}`;
}
