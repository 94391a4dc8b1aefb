import { flagOf, jsonDescription } from "../build-program.ts";
import type { Verb } from "../verb.ts";

/** A zsh completion script over `_arguments` and `_describe`. */
export function zshCompletion(verbs: readonly Verb[]): string {
  const firstWords = [...new Set(verbs.map((verb) => verb.path.split(" ")[0] ?? ""))];
  const describe = (entries: readonly (readonly [string, string])[]): string => entries.map(([word, meaning]) => quote(`${word}:${meaning.replaceAll(":", "\\:")}`)).join(" ");
  const groupCases = firstWords.flatMap((word) => {
    const members = verbs.filter((verb) => verb.path.startsWith(`${word} `));
    if (members.length === 0) return [];
    return [`    ${word}) if ((CURRENT == 3)); then local -a names=(${describe(members.map((verb) => [verb.path.split(" ")[1] ?? "", verb.summary]))}); _describe verb names; return; fi; verb="${word} $words[3]"; skip=2 ;;`];
  });
  const verbCases = verbs.map((verb) => {
    const options = Object.entries(verb.options).map(([key, spec]) => quote(`${spec.many === true ? "*" : ""}${flagOf(key)}[${bracketed(spec.description)}]${spec.value === undefined ? "" : `:${spec.value}:${action(spec)}`}`));
    const positional = Object.values(verb.arguments).map((spec) => quote(`${spec.arity === "many" || spec.arity === "any" ? "*" : ""}:${spec.value}:${action(spec)}`));
    return `    "${verb.path}") _arguments ${[...options, quote(`--json[${bracketed(jsonDescription)}]`), ...positional].join(" ")} ;;`;
  });
  return `#compdef samepage
# zsh completion for samepage, generated from its command table
_samepage() {
  local verb=$words[2] skip=1
  if ((CURRENT == 2)); then local -a names=(${describe(firstWords.map((word) => [word, verbs.find((verb) => verb.path === word)?.summary ?? ""]))}); _describe command names; return; fi
  case $verb in
${groupCases.length === 0 ? "    *) ;;" : groupCases.join("\n")}
  esac
  # _arguments counts from the verb, as if it were the command.
  words=("\${(@)words[skip+1,-1]}"); ((CURRENT -= skip))
  case $verb in
${verbCases.join("\n")}
  esac
}
compdef _samepage samepage
`;
}

function action(spec: { readonly choices?: readonly string[]; readonly completes?: "file" | "directory" }): string {
  if (spec.choices !== undefined) return `(${spec.choices.join(" ")})`;
  if (spec.completes === undefined) return " ";
  return spec.completes === "directory" ? "_files -/" : "_files";
}

function bracketed(text: string): string {
  return text.replaceAll(/[[\]:]/gu, (char) => `\\${char}`);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
