import { argumentUsage, flagUsage, jsonDescription } from "../build-program.ts";
import type { CommandTable, Verb } from "../verb.ts";
import { version } from "../version.ts";

/** Every man page (section 1) as roff, by file name: samepage.1 and one for each verb. */
export function manPages({ verbs, groups }: CommandTable): Readonly<Record<string, string>> {
  const pages: Record<string, string> = { "samepage.1": mainPage({ verbs, groups }) };
  for (const verb of verbs) pages[`${pageName(verb)}.1`] = verbPage(verb);
  return pages;
}

function pageName(verb: Verb): string {
  return `samepage-${verb.path.replaceAll(" ", "-")}`;
}

function heading(name: string): string {
  // Left-adjusted and unhyphenated: commands must be readable as they are typed.
  return `.TH ${name.toUpperCase().replaceAll("-", "\\-")} 1 "" "samepage ${version}" "Samepage"\n.ad l\n.nh`;
}

function mainPage({ verbs, groups }: CommandTable): string {
  const entries = verbs.map((verb) => `.TP\n.B ${roff(`samepage ${verb.path}`)}\n${roff(`${verb.summary}.`)} See\n.BR ${roff(pageName(verb))} (1).`);
  const groupLines = Object.entries(groups).map(([group, meaning]) => `.TP\n.B ${roff(group)}\n${roff(meaning)}`);
  return `${[
    heading("samepage"),
    ".SH NAME\nsamepage \\- make container guests share what is identical",
    ".SH SYNOPSIS\n.B samepage\n.I verb\n[\\fIoptions\\fR] [\\fIarguments\\fR]",
    `.SH VERBS\n${entries.join("\n")}`,
    groupLines.length === 0 ? "" : `.SH GROUPS\n${groupLines.join("\n")}`,
    exitStatus,
    environment,
  ].filter((part) => part !== "").join("\n")}\n`;
}

function verbPage(verb: Verb): string {
  const usage = ["[\\fIoptions\\fR]", ...Object.values(verb.arguments).map((spec) => roff(argumentUsage(spec)))].join(" ");
  const options = [
    ...Object.entries(verb.options).map(([key, spec]) => {
      const choices = spec.choices === undefined ? "" : ` One of ${spec.choices.join(", ")}.`;
      const fallback = spec.defaultText === undefined ? "" : ` Default: ${spec.defaultText}.`;
      return `.TP\n.B ${roff(flagUsage(key, spec))}\n${roff(`${spec.description}.${choices}${fallback}`)}`;
    }),
    `.TP\n.B \\-\\-json\n${roff(`${jsonDescription}.`)}`,
  ];
  return `${[
    heading(pageName(verb)),
    `.SH NAME\n${roff(pageName(verb))} \\- ${roff(verb.summary)}`,
    `.SH SYNOPSIS\n.B ${roff(`samepage ${verb.path}`)}\n${usage}`,
    verb.description === undefined ? "" : `.SH DESCRIPTION\n${verb.description.map(roff).join("\n.PP\n")}`,
    `.SH OPTIONS\n${options.join("\n")}`,
    verb.examples.length === 0 ? "" : `.SH EXAMPLES\n${verb.examples.map((example) => `.TP\n.B ${roff(example.command)}\n${roff(`${example.meaning}.`)}`).join("\n")}`,
    exitStatus,
    ".SH SEE ALSO\n.BR samepage (1)",
  ].filter((part) => part !== "").join("\n")}\n`;
}

const exitStatus = `.SH EXIT STATUS
.TP
.B 0
done
.TP
.B 1
failed
.TP
.B 2
the command line, or something it names, is wrong; nothing was tried
.TP
.B 3
refused by a policy`;

const environment = `.SH ENVIRONMENT
.TP
.B NO_COLOR
set to anything: no colours`;

/** Escapes text for roff: backslashes, hyphens that must stay hyphens, letters beyond ASCII, and a leading dot or quote. */
function roff(text: string): string {
  const escaped = text.replaceAll("\\", "\\e").replaceAll("-", "\\-").replaceAll("\n", " ").replaceAll(/[^\x20-\x7e]/gu, (char) => `\\[u${char.codePointAt(0)?.toString(16).toUpperCase().padStart(4, "0")}]`);
  return /^[.']/u.test(escaped) ? `\\&${escaped}` : escaped;
}
