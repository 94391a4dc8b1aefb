import { one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { defineVerb } from "../verb.ts";

export const templateShow = defineVerb({
  path: "template show",
  summary: "show a template's versions and aliases",
  arguments: { name: one("name", "the template's name") },
  options: connectionOptions,
  examples: [{ command: "samepage template show debian-12", meaning: "its versions, where they came from, and what the aliases mean" }],
  run: async ({ name, ...connection }, context) => {
    const template = await (await connect(connection, context)).templates.get(name, context.signal);
    const aliasesOf = (version: string) => Object.entries(template.aliases).flatMap(([alias, meant]) => (meant === version ? [alias] : []));
    return {
      json: template,
      human: (terminal) => [
        `${template.name}, domain ${template.domain}`,
        ...table(
          template.versions,
          [
            { title: "VERSION", cell: ({ version }) => version },
            { title: "ALIASES", cell: ({ version }) => aliasesOf(version).join(" ") },
            { title: "PUBLISHED", cell: ({ publishedAt }) => publishedAt },
            { title: "FROM", cell: ({ source }) => `${source.host}:${source.path}`, shrinks: true },
            { title: "NAMES", cell: ({ entries }) => formatCount(entries), align: "right" },
            { title: "SIZE", cell: ({ bytes }) => formatBytes(bytes), align: "right" },
            { title: "STATE", cell: ({ retired }) => (retired ? "retired" : "") },
          ],
          terminal,
        ),
      ],
    };
  },
});
