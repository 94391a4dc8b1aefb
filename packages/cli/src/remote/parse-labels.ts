import { CliError } from "../cli-error.ts";

/** `["ring=canary"]` → `{ ring: "canary" }`. */
export function parseLabels(words: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    words.map((word) => {
      const [, key, value] = /^([^=]+)=(.*)$/u.exec(word) ?? [];
      if (key !== undefined && value !== undefined) return [key, value];
      throw new CliError("bad-argument", `${word} is not a label`, "Write key=value, for example ring=canary.");
    }),
  );
}

/** Changes of labels: `key=value` sets, `key-` removes. */
export function parseLabelChanges(words: readonly string[]): Readonly<Record<string, string | null>> {
  const removed = words.filter((word) => !word.includes("=") && word.endsWith("-"));
  return { ...parseLabels(words.filter((word) => !removed.includes(word))), ...Object.fromEntries(removed.map((word) => [word.slice(0, -1), null])) };
}
