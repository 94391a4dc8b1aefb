import { flagOf, jsonDescription } from "../build-program.ts";
import type { Verb } from "../verb.ts";

/** A fish completion script: one `complete` line for each word, flag and value. */
export function fishCompletion(verbs: readonly Verb[]): string {
  const lines = ["# fish completion for samepage, generated from its command table", "complete -c samepage -f"];
  for (const verb of verbs) {
    const [first = "", second] = verb.path.split(" ");
    if (second === undefined) lines.push(`complete -c samepage -n __fish_use_subcommand -a ${first} -d ${quote(verb.summary)}`);
    else {
      lines.push(
        `complete -c samepage -n __fish_use_subcommand -a ${first}`,
        `complete -c samepage -n '__fish_seen_subcommand_from ${first}; and test (count (commandline -opc)) -eq 2' -a ${second} -d ${quote(verb.summary)}`,
      );
    }
    const condition = second === undefined ? `__fish_seen_subcommand_from ${first}` : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    for (const [key, spec] of Object.entries(verb.options)) {
      lines.push(`complete -c samepage -n ${quote(condition)} -l ${flagOf(key).slice(2)} -d ${quote(spec.description)}${spec.value === undefined ? "" : ` -r${values(spec)}`}`);
    }
    lines.push(`complete -c samepage -n ${quote(condition)} -l json -d ${quote(jsonDescription)}`);
    for (const spec of Object.values(verb.arguments)) {
      const offered = values(spec);
      if (offered !== "") lines.push(`complete -c samepage -n ${quote(condition)}${offered}`);
    }
  }
  return `${[...new Set(lines)].join("\n")}\n`;
}

function values(spec: { readonly choices?: readonly string[]; readonly completes?: "file" | "directory" }): string {
  if (spec.choices !== undefined) return ` -a ${quote(spec.choices.join(" "))}`;
  if (spec.completes === undefined) return "";
  return spec.completes === "directory" ? " -a '(__fish_complete_directories)'" : " -F";
}

function quote(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
