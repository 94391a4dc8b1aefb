import { buildProgram, CommanderError } from "./build-program.ts";
import { errorLine, shownError } from "./error-line.ts";
import { exitCode } from "./exit-code.ts";
import { localTable } from "./local-table.ts";
import { liveArea, silentArea } from "./terminal/live-area.ts";
import type { CommandTable, Context, Verb } from "./verb.ts";
import { version } from "./version.ts";

interface Surroundings {
  readonly stdout: NodeJS.WriteStream;
  readonly stderr: NodeJS.WriteStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
}

/** Runs one command line (without the program's name) and resolves with its exit status; never rejects. */
export async function runCommandLine(words: readonly string[], { stdout, stderr, environment, signal }: Surroundings): Promise<number> {
  let status: number = exitCode.done;
  const commandTable = await tableFor(words);
  const dispatch = async (verb: Verb, input: Readonly<Record<string, unknown>>, isJson: boolean): Promise<void> => {
    const out = isJson ? silentArea : liveArea(stdout, environment);
    const progress = liveArea(stderr, environment);
    const context: Context = { signal, environment, json: isJson, out, progress, table: commandTable };
    try {
      const outcome = await verb.run(input, context);
      out.clear();
      progress.clear();
      stdout.write(isJson ? `${JSON.stringify(outcome.json)}\n` : outcome.human(out.terminal).map((line) => `${line}\n`).join(""));
      status = outcome.exitCode ?? exitCode.done;
    } finally {
      out.clear();
      progress.clear();
    }
  };
  const program = buildProgram(commandTable, version, dispatch);
  try {
    await program.parseAsync([...words], { from: "user" });
    return status;
  } catch (error) {
    // Help and version were asked for and given; a group without a verb shows its help as well, yet nothing was done.
    if (error instanceof CommanderError && error.exitCode === 0) return exitCode.done;
    if (error instanceof CommanderError && error.code === "commander.help") return exitCode.usage;
    const shown = shownError(error);
    if (words.includes("--json")) stdout.write(`${JSON.stringify({ error: { code: shown.code, message: shown.message, hint: shown.hint } })}\n`);
    stderr.write(`${errorLine(shown)}\n`);
    return shown.exitCode;
  }
}

/** The part of the table that a command line needs: all of it unless a local verb is named in full. */
async function tableFor([group, name]: readonly string[]): Promise<CommandTable> {
  if (localTable.verbs.some(({ path }) => path === `${group} ${name}`)) return localTable;
  return (await import("./command-table.ts")).commandTable;
}
