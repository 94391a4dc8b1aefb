import { text } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { guestLines } from "../remote/host-lines.ts";
import { defineVerb } from "../verb.ts";

export const guestLs = defineVerb({
  path: "guest ls",
  summary: "list the guests, as their hosts' agents last saw them",
  arguments: {},
  options: { host: text("name", "only the guests of this host", { defaultText: "all hosts" }), ...connectionOptions },
  examples: [{ command: "samepage guest ls --host web-1", meaning: "the guests of one host" }],
  run: async ({ host, ...connection }, context) => {
    const guests = await (await connect(connection, context)).guests.list(host === undefined ? {} : { host }, context.signal);
    return { json: { guests }, human: (terminal) => guestLines(guests, terminal) };
  },
});
