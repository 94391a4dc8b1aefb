import type { ExitCode } from "./exit-code.ts";
import type { LiveArea } from "./terminal/live-area.ts";
import type { Terminal } from "./terminal/terminal.ts";

/** One option of a verb. Its flag is the kebab-case of its key in {@link VerbDefinition.options}. */
export interface OptionSpec<T> {
  /** Name of the value as help shows it; absent for a switch. */
  readonly value?: string;
  readonly description: string;
  /** Shown by help as the default; the value itself comes from `fallback`. */
  readonly defaultText?: string;
  readonly choices?: readonly string[];
  readonly fallback: T;
  /** May be given more than once; values are gathered. */
  readonly many?: boolean;
  readonly completes?: "file" | "directory";
  /** Throws a CliError that says what is wrong with the text. */
  readonly parse: (text: string, flag: string) => T;
}

/** One positional argument, in the order of the keys in {@link VerbDefinition.arguments}. */
export interface ArgumentSpec<T> {
  readonly value: string;
  readonly description: string;
  /** `many` asks for at least one, `any` for none or more. */
  readonly arity: "one" | "optional" | "many" | "any";
  readonly choices?: readonly string[];
  readonly completes?: "file" | "directory";
  /** Only carries the type; never set. */
  readonly type?: T;
}

/** What a verb did: one object for `--json`, lines for people. */
export interface Outcome {
  readonly json: object;
  /** Called only when people read; the terminal says how wide and whether coloured. */
  readonly human: (terminal: Terminal) => readonly string[];
  /** Default `exitCode.done`. */
  readonly exitCode?: ExitCode;
}

/** What a verb may use of its surroundings. */
export interface Context {
  /** Aborted by Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** True with `--json`: standard output belongs to the one object. */
  readonly json: boolean;
  /** Standard output, for verbs that show something before they end. Silent with `--json`. */
  readonly out: LiveArea;
  /** Standard error: progress. */
  readonly progress: LiveArea;
  /** The whole table, for verbs that write about it. */
  readonly table: CommandTable;
}

export interface CommandTable {
  /** Every verb, in the order help and reference show them. */
  readonly verbs: readonly Verb[];
  /** What each group of verbs is about; a verb `a b` belongs to group `a`. */
  readonly groups: Readonly<Record<string, string>>;
}

type Values<S> = { readonly [K in keyof S]: S[K] extends OptionSpec<infer T> | ArgumentSpec<infer T> ? T : never };

export interface VerbDefinition<A, O> {
  /** As typed, e.g. `local unify`. */
  readonly path: string;
  /** One line, for the list of verbs. */
  readonly summary: string;
  /** Paragraphs for `--help`, the man page and the reference. */
  readonly description?: readonly string[];
  readonly arguments: A;
  readonly options: O;
  readonly examples: readonly { readonly command: string; readonly meaning: string }[];
  readonly run: (input: Values<A> & Values<O>, context: Context) => Promise<Outcome>;
}

/** A verb with the types of its own options forgotten: what the table holds. */
export type Verb = Omit<VerbDefinition<Readonly<Record<string, ArgumentSpec<unknown>>>, Readonly<Record<string, OptionSpec<unknown>>>>, "run"> & {
  readonly run: (input: Readonly<Record<string, unknown>>, context: Context) => Promise<Outcome>;
};

/** Types `input` of `run` from the arguments and options declared beside it. */
export function defineVerb<const A extends Readonly<Record<string, ArgumentSpec<unknown>>>, const O extends Readonly<Record<string, OptionSpec<unknown>>>>(
  definition: VerbDefinition<A, O>,
): Verb {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- sound: build-program.ts makes `input` from these very specs, in a loop over keys that types cannot follow
  return definition as unknown as Verb;
}
