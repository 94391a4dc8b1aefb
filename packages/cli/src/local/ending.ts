import { exitCode, type ExitCode } from "../exit-code.ts";

/** Exit status of a local run. Stopping at a deadline is what was asked for; a failure or a Ctrl-C is not. */
export function endingOf({ failures, stopped }: { readonly failures: readonly unknown[]; readonly stopped?: "deadline" | "cancelled" }): ExitCode {
  return failures.length > 0 || stopped === "cancelled" ? exitCode.failed : exitCode.done;
}
