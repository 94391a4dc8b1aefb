import { one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import type { ArgumentSpec } from "../verb.ts";
import { defineVerb } from "../verb.ts";

const guests: ArgumentSpec<readonly string[]> = { value: "guest", description: "patterns over guest names (* and ?), in place of those before; none: no guest", arity: "any" };

export const templateAssign = defineVerb({
  path: "template assign",
  summary: "say which guests are made from a template",
  description: ["drift without --template compares each guest with the latest version of the template it is assigned to."],
  arguments: { name: one("name", "the template's name"), guests },
  options: connectionOptions,
  examples: [{ command: "samepage template assign debian-12 'lxc/web-*' 'lxc/db-*'", meaning: "these guests are made from debian-12" }],
  run: async ({ name, guests: patterns, ...connection }, context) => {
    const changed = await (await connect(connection, context)).templates.assign(name, patterns, context.signal);
    return { json: changed, human: () => [patterns.length === 0 ? `${name} is assigned to no guest` : `${name} is assigned to ${changed.guests.join(", ")}`] };
  },
});
