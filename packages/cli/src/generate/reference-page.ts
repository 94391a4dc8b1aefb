import { argumentUsage, flagUsage, jsonDescription } from "../build-program.ts";
import type { CommandTable, Verb } from "../verb.ts";

/** The command reference as Markdown: docs/reference.md, kept equal by a test. */
export function referencePage({ verbs, groups }: CommandTable): string {
  const contents = verbs.map((verb) => `| [\`${verb.path}\`](#${anchor(verb)}) | ${cell(verb.summary)} |`);
  const groupLines = Object.entries(groups).map(([group, meaning]) => `- \`${group}\`: ${meaning}`);
  return `<!-- Generated from the command table by packages/cli/src/generate/reference-page.ts; a test keeps it equal. -->

# Command reference

Every verb takes \`--json\` (${jsonDescription}) and \`--help\`.
Exit status: 0 done · 1 failed · 2 the command line, or something it names, is wrong · 3 refused by a policy.
With \`--json\` an error is \`{"error":{"code","message","hint"}}\`. Progress goes to standard error. \`NO_COLOR\` is honoured.

${groupLines.join("\n")}

| verb | what it does |
|---|---|
${contents.join("\n")}

${verbs.map(section).join("\n")}`;
}

function section(verb: Verb): string {
  const usage = [`samepage ${verb.path}`, ...Object.values(verb.arguments).map(argumentUsage), "[options]"].join(" ");
  const argumentRows = Object.values(verb.arguments).map((spec) => `| \`${spec.value}\` | ${cell(spec.description)}${choicesOf(spec)} | |`);
  const optionRows = Object.entries(verb.options).map(([key, spec]) => `| \`${flagUsage(key, spec)}\` | ${cell(spec.description)}${choicesOf(spec)} | ${cell(spec.defaultText ?? "")} |`);
  const rows = [...argumentRows, ...optionRows];
  const parts = [
    `## samepage ${verb.path}\n`,
    `${verb.summary}.\n`,
    ...(verb.description ?? []).map((paragraph) => `${paragraph}\n`),
    `\`\`\`\n${usage}\n\`\`\`\n`,
    ...(rows.length === 0 ? [] : [`| | | default |\n|---|---|---|\n${rows.join("\n")}\n`]),
    ...verb.examples.map((example) => `- \`${example.command}\`: ${example.meaning}`),
    ...(verb.examples.length === 0 ? [] : [""]),
  ];
  return parts.join("\n");
}

function choicesOf(spec: { readonly choices?: readonly string[] }): string {
  return spec.choices === undefined ? "" : ` (${spec.choices.map((word) => `\`${word}\``).join(", ")})`;
}

function anchor(verb: Verb): string {
  return `samepage-${verb.path.replaceAll(" ", "-")}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
