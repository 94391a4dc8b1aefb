import { text } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { hostLines } from "../remote/host-lines.ts";
import { defineVerb } from "../verb.ts";

export const hostLs = defineVerb({
  path: "host ls",
  summary: "list the hosts",
  arguments: {},
  options: { selector: text("selector", "only hosts for which all terms hold, joined by commas, e.g. env=prod,name~web-*,kernel>=5.10", { defaultText: "all" }), ...connectionOptions },
  examples: [{ command: "samepage host ls --selector ring=canary", meaning: "the hosts of the canary ring" }],
  run: async ({ selector, ...connection }, context) => {
    const hosts = await (await connect(connection, context)).hosts.list(selector === undefined ? {} : { selector }, context.signal);
    return { json: { hosts }, human: (terminal) => hostLines(hosts, terminal) };
  },
});
