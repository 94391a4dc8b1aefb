import { CliError } from "./cli-error.ts";
import type { ArgumentSpec, OptionSpec } from "./verb.ts";

// Constructors for the options and arguments of verbs: how a value is spelled, read and refused.

/** `--flag`: on when given. */
export function toggle(description: string): OptionSpec<boolean> {
  return { description, fallback: false, parse: () => true };
}

/** `--flag <one of choices>`; undefined when not given. */
export function choice<const C extends readonly string[]>(value: string, choices: C, description: string, defaultText?: string): OptionSpec<C[number] | undefined> {
  return {
    value,
    choices,
    description,
    fallback: undefined,
    ...(defaultText === undefined ? {} : { defaultText }),
    parse: (given, flag) => {
      if (choices.includes(given)) return given;
      throw new CliError("bad-argument", `${flag} ${given}: there is no such ${value}`, `Choose one of ${choices.join(", ")}.`);
    },
  };
}

/** `--flag <text>`; undefined when not given. */
export function text(value: string, description: string, more: { defaultText?: string; completes?: "file" | "directory" } = {}): OptionSpec<string | undefined> {
  return {
    value,
    description,
    fallback: undefined,
    ...more,
    parse: (given, flag) => {
      if (given !== "") return given;
      throw new CliError("bad-argument", `${flag} is empty`, `Give ${flag} a value, or leave it out.`);
    },
  };
}

/** `--flag <text>`, as often as wanted. */
export function texts(value: string, description: string): OptionSpec<readonly string[]> {
  return { value, description, fallback: [], many: true, parse: (given) => [given] };
}

const unitBytes: Readonly<Record<string, number>> = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `--flag <bytes>`: digits with an optional K, M, G or T (powers of 1024). */
export function bytes(description: string, defaultText: string): OptionSpec<number | undefined> {
  return {
    value: "bytes",
    description,
    defaultText,
    fallback: undefined,
    parse: (given, flag) => {
      const [, digits, unit] = /^(\d{1,15})([kmgt]?)(?:i?b)?$/iu.exec(given) ?? [];
      const size = Number(digits) * (unitBytes[(unit ?? "").toLowerCase()] ?? 1);
      if (Number.isSafeInteger(size)) return size;
      throw new CliError("bad-argument", `${flag} ${given}: not a number of bytes`, "Write digits with an optional K, M, G or T, for example 4096 or 64K.");
    },
  };
}

/** `--flag <n>`: a whole number within a range. */
export function integer(value: string, minimum: number, maximum: number, description: string, defaultText?: string): OptionSpec<number | undefined> {
  return {
    value,
    description,
    fallback: undefined,
    ...(defaultText === undefined ? {} : { defaultText }),
    parse: (given, flag) => {
      const number = /^\d{1,15}$/u.test(given) ? Number(given) : Number.NaN;
      if (number >= minimum && number <= maximum) return number;
      throw new CliError("bad-argument", `${flag} ${given}: not a whole number from ${minimum} to ${maximum}`, `Give ${flag} a number in that range.`);
    },
  };
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** `--flag <90s|15m|2h|7d>` as seconds. */
export function duration(description: string, defaultText: string): OptionSpec<number | undefined> {
  return {
    value: "time",
    description,
    defaultText,
    fallback: undefined,
    parse: (given, flag) => {
      const [, digits, unit = ""] = /^(\d{1,9})([smhd])$/u.exec(given) ?? [];
      const seconds = Number(digits) * (unitSeconds[unit] ?? Number.NaN);
      if (!Number.isNaN(seconds)) return seconds;
      throw new CliError("bad-argument", `${flag} ${given}: not a length of time`, "Write digits and s, m, h or d, for example 90s or 2h.");
    },
  };
}

/** `--flag <ISO 8601 instant>` as epoch milliseconds. A time without a zone is refused: it would mean something else on each host. */
export function instant(description: string): OptionSpec<number | undefined> {
  return {
    value: "iso-time",
    description,
    fallback: undefined,
    parse: (given, flag) => {
      const zoned = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/u.test(given);
      const epochMs = zoned ? Date.parse(given) : Number.NaN;
      if (!Number.isNaN(epochMs)) return epochMs;
      throw new CliError("bad-argument", `${flag} ${given}: not an instant`, `Write it as ISO 8601 with its zone, for example ${flag} 2030-01-31T04:00:00Z.`);
    },
  };
}

export function one(value: string, description: string, more: { choices?: readonly string[]; completes?: "file" | "directory" } = {}): ArgumentSpec<string> {
  return { value, description, arity: "one", ...more };
}

export function optional(value: string, description: string): ArgumentSpec<string | undefined> {
  return { value, description, arity: "optional" };
}

export function many(value: string, description: string, more: { completes?: "file" | "directory" } = {}): ArgumentSpec<readonly string[]> {
  return { value, description, arity: "many", ...more };
}
