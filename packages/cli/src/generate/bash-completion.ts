import { flagOf } from "../build-program.ts";
import type { Verb } from "../verb.ts";

/** A bash completion script that needs neither bash-completion nor the command itself to run. */
export function bashCompletion(verbs: readonly Verb[]): string {
  const firstWords = [...new Set(verbs.map((verb) => verb.path.split(" ")[0] ?? ""))];
  const groupCases = firstWords.flatMap((word) => {
    const seconds = verbs.filter((verb) => verb.path.startsWith(`${word} `)).map((verb) => verb.path.split(" ")[1]);
    return seconds.length === 0 ? [] : [`    "${word}") COMPREPLY=($(compgen -W "${seconds.join(" ")}" -- "$cur")); return ;;`];
  });
  const valueCases = verbs.flatMap((verb) =>
    Object.entries(verb.options).flatMap(([key, spec]) => (spec.value === undefined ? [] : [`    "${verb.path} ${flagOf(key)}") ${complete(spec)}; return ;;`])),
  );
  const verbCases = verbs.flatMap((verb) => {
    const flags = [...Object.keys(verb.options).map(flagOf), "--json", "--help"].join(" ");
    const argument = Object.values(verb.arguments)[0];
    return [`    "${verb.path}")`, `      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "${flags}" -- "$cur")); else ${argument === undefined ? ":" : complete(argument)}; fi ;;`];
  });
  return `# bash completion for samepage, generated from its command table
_samepage() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} verb=\${COMP_WORDS[1]-}
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then COMPREPLY=($(compgen -W "${firstWords.join(" ")} --help --version" -- "$cur")); return; fi
  if ((COMP_CWORD == 2)); then case $verb in
${groupCases.join("\n")}
  esac; fi
  case $verb in
${groupCases.length === 0 ? "    *) ;;" : `    ${firstWords.filter((word) => verbs.some((verb) => verb.path.startsWith(`${word} `))).map((word) => `"${word}"`).join("|")}) verb="$verb \${COMP_WORDS[2]}" ;;`}
  esac
  case "$verb $prev" in
${valueCases.join("\n")}
  esac
  case $verb in
${verbCases.join("\n")}
  esac
}
complete -o filenames -F _samepage samepage
`;
}

function complete(spec: { readonly choices?: readonly string[]; readonly completes?: "file" | "directory" }): string {
  if (spec.choices !== undefined) return `COMPREPLY=($(compgen -W "${spec.choices.join(" ")}" -- "$cur"))`;
  if (spec.completes === undefined) return ":";
  return `COMPREPLY=($(compgen ${spec.completes === "directory" ? "-d" : "-f"} -- "$cur"))`;
}
