import { one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { templateName } from "../remote/template-name.ts";
import { defineVerb } from "../verb.ts";

export const templateAlias = defineVerb({
  path: "template alias",
  summary: "let a name stand for one of a template's versions",
  description: ["An alias stays where it was set until it is set again; latest always exists and follows publication."],
  arguments: { template: one("name@version", "the version it shall stand for"), alias: one("alias", "e.g. stable") },
  options: connectionOptions,
  examples: [{ command: "samepage template alias debian-12@3 stable", meaning: "debian-12@stable is version 3 from now on" }],
  run: async ({ template, alias, ...connection }, context) => {
    const { name, version } = await templateName(template);
    // What the controller would refuse; said before anything is asked of it.
    await templateName(`${name}@${alias}`);
    const changed = await (await connect(connection, context)).templates.setAlias(name, alias, version, context.signal);
    return { json: changed, human: () => [`${name}@${alias} is ${changed.aliases[alias] ?? version}`] };
  },
});
