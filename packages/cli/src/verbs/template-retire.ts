import { one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { templateName } from "../remote/template-name.ts";
import { defineVerb } from "../verb.ts";

export const templateRetire = defineVerb({
  path: "template retire",
  summary: "take a template version out of the catalog",
  description: ["Its digests leave the catalog of its domain; what is shared stays shared. Its description stays, so that guests can still be compared with it."],
  arguments: { template: one("name@version", "the version") },
  options: connectionOptions,
  examples: [{ command: "samepage template retire debian-12@1", meaning: "no guest is expected to be on version 1 any more" }],
  run: async ({ template, ...connection }, context) => {
    const { name, version } = await templateName(template);
    const changed = await (await connect(connection, context)).templates.retire(name, version, context.signal);
    return { json: changed, human: () => [`${name}@${version} is retired`] };
  },
});
