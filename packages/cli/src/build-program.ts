import { Argument, Command, CommanderError, Option } from "commander";
import type { ArgumentSpec, CommandTable, OptionSpec, Verb } from "./verb.ts";

export type Dispatch = (verb: Verb, input: Readonly<Record<string, unknown>>, isJson: boolean) => Promise<void>;

/** `ignoreMtime` → `--ignore-mtime`. */
export function flagOf(key: string): string {
  return `--${key.replaceAll(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`;
}

/** `--ignore-mtime` or `--min-size <bytes>`, as help shows it. */
export function flagUsage(key: string, spec: OptionSpec<unknown>): string {
  return spec.value === undefined ? flagOf(key) : `${flagOf(key)} <${spec.value}>`;
}

/** `<dir>...`, `[shell]`. */
export function argumentUsage(spec: ArgumentSpec<unknown>): string {
  if (spec.arity === "many") return `<${spec.value}...>`;
  if (spec.arity === "any") return `[${spec.value}...]`;
  return spec.arity === "one" ? `<${spec.value}>` : `[${spec.value}]`;
}

export const jsonDescription = "print one JSON object on standard output, and nothing else there";

/** The commander program for a table of verbs. Throws CommanderError instead of ending the process. */
export function buildProgram({ verbs, groups }: CommandTable, version: string, dispatch: Dispatch): Command {
  const program = configure(new Command("samepage"))
    .description("Makes container guests share what is identical: one inode, one copy on disk, one copy in memory.")
    .version(version, "--version", "print the version");
  const parents = new Map<string, Command>();
  for (const verb of verbs) {
    const words = verb.path.split(" ");
    const [group, name] = words;
    if (group === undefined) continue;
    if (name === undefined) {
      addVerb(program, group, verb, dispatch);
      continue;
    }
    const parent = parents.get(group) ?? configure(program.command(group)).description(groups[group] ?? "");
    parents.set(group, parent);
    addVerb(parent, name, verb, dispatch);
  }
  return program;
}

function configure(command: Command): Command {
  return command
    .exitOverride()
    .helpCommand(false)
    .helpOption("-h, --help", "show this help")
    .showHelpAfterError(false)
    .showSuggestionAfterError(true)
    // Errors are printed once, by the caller, in the one form that all errors have.
    .configureOutput({ outputError: () => {} });
}

function addVerb(parent: Command, name: string, verb: Verb, dispatch: Dispatch): void {
  const command = configure(parent.command(name)).summary(verb.summary).description([verb.summary, ...(verb.description ?? [])].join("\n\n"));
  const argumentKeys = Object.keys(verb.arguments);
  for (const spec of Object.values(verb.arguments)) {
    const argument = new Argument(argumentUsage(spec), spec.description);
    if (spec.choices !== undefined) argument.choices(spec.choices);
    command.addArgument(argument);
  }
  for (const [key, spec] of Object.entries(verb.options)) command.addOption(optionOf(key, spec));
  command.option("--json", jsonDescription);
  if (verb.examples.length > 0) {
    command.addHelpText("after", `\nExamples:\n${verb.examples.map((example) => `  ${example.command}\n      ${example.meaning}`).join("\n")}`);
  }
  command.action(async (...received: readonly unknown[]) => {
    const given = command.opts<Record<string, unknown>>();
    const input: Record<string, unknown> = {};
    for (const [at, key] of argumentKeys.entries()) input[key] = received[at];
    for (const [key, spec] of Object.entries(verb.options)) input[key] = given[key] ?? spec.fallback;
    await dispatch(verb, input, given["json"] === true);
  });
}

function optionOf(key: string, spec: OptionSpec<unknown>): Option {
  const flag = flagOf(key);
  const choices = spec.choices === undefined ? "" : ` (${spec.choices.join(", ")})`;
  const fallback = spec.defaultText === undefined ? "" : ` (default: ${spec.defaultText})`;
  const option = new Option(flagUsage(key, spec), `${spec.description}${choices}${fallback}`);
  if (spec.value !== undefined) {
    option.argParser((text: string, before: unknown) => {
      const value = spec.parse(text, flag);
      return spec.many === true && Array.isArray(before) && Array.isArray(value) ? [...(before as unknown[]), ...(value as unknown[])] : value;
    });
  }
  return option;
}

export { CommanderError };
