export { commandTable } from "./command-table.ts";
export { exitCode, type ExitCode } from "./exit-code.ts";
export { runCommandLine } from "./run-command-line.ts";
