import { AgentError } from "../agent-error.ts";

/** The fields of a mapping, none of them unknown. @throws AgentError `config`. */
export function fields(value: unknown, where: string, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw mistake(where, "not a mapping", `known keys: ${known.join(", ")}`);
  const found: Record<string, unknown> = Object.fromEntries(Object.entries(value));
  const unknown = Object.keys(found).find((key) => !known.includes(key));
  if (unknown !== undefined) throw mistake(where, `unknown key ${unknown}`, `known keys: ${known.join(", ")}`);
  return found;
}

/** @throws AgentError `config`. */
export function text(value: unknown, where: string, form: RegExp, meaning: string): string {
  if (typeof value !== "string" || !form.test(value)) throw mistake(where, `${JSON.stringify(value)} is not ${meaning}`, `give ${meaning}`);
  return value;
}

/** @throws AgentError `config`. */
export function wholeNumber(value: unknown, where: string, least: number, most: number): number {
  if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most) {
    throw mistake(where, `${JSON.stringify(value)} is not a whole number`, `give one from ${least} to ${most}`);
  }
  return value;
}

/** @throws AgentError `config`. */
export function oneOf<Name extends string>(value: unknown, where: string, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) throw mistake(where, `${JSON.stringify(value)} is unknown`, `one of ${names.join(", ")}`);
  return found;
}

/** Undefined where nothing is given. @throws AgentError `config`. */
export function listOf<Item>(value: unknown, where: string, read: (item: unknown, where: string) => Item): Item[] | undefined {
  if (value === undefined) return undefined;
  if (!Array.isArray(value)) throw mistake(where, "not a list", "write one entry a line, each after a dash");
  return value.map((item: unknown, index) => read(item, `${where}[${index}]`));
}

function mistake(where: string, what: string, hint: string): AgentError {
  return new AgentError("config", `${where}: ${what}`, { hint, target: where });
}
