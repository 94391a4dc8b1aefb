import { CliError } from "../cli-error.ts";
import { one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { templateName } from "../remote/template-name.ts";
import { defineVerb } from "../verb.ts";

export const templateRetire = defineVerb({
  path: "template retire",
  summary: "take a template version out of the catalog",
  description: ["Its digests leave the catalog of its domain; what is shared stays shared. Its description stays, so that guests can still be compared with it."],
  arguments: { template: one("name@version", "the version; an alias such as latest stands for one") },
  options: connectionOptions,
  examples: [{ command: "samepage template retire debian-12@1", meaning: "no guest is expected to be on version 1 any more" }],
  run: async ({ template, ...connection }, context) => {
    const { name, version: asked } = await templateName(template);
    if (!template.includes("@")) throw new CliError("bad-argument", `${name} names no version`, `Say which one, e.g. samepage template retire ${name}@1; @latest is the newest.`);
    const api = await connect(connection, context);
    const version = (await api.templates.get(name, context.signal)).aliases[asked] ?? asked;
    const changed = await api.templates.retire(name, version, context.signal);
    return { json: changed, human: () => [`${name}@${version} is retired`] };
  },
});
