import { one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { hostDetailLines } from "../remote/host-lines.ts";
import { defineVerb } from "../verb.ts";

export const hostShow = defineVerb({
  path: "host show",
  summary: "show one host",
  arguments: { name: one("host", "the host's name") },
  options: connectionOptions,
  examples: [{ command: "samepage host show web-1", meaning: "its state, its certificate and what it can do" }],
  run: async ({ name, ...connection }, context) => {
    const host = await (await connect(connection, context)).hosts.get(name, context.signal);
    return { json: host, human: (terminal) => hostDetailLines(host, terminal) };
  },
});
