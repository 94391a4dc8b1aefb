import { one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { hostDetailLines } from "../remote/host-lines.ts";
import { defineVerb } from "../verb.ts";

export const hostRevoke = defineVerb({
  path: "host revoke",
  summary: "end a host's membership: its certificate is refused from now on",
  description: ["Its guests stay as they are. To join again it needs a new token."],
  arguments: { name: one("host", "the host's name") },
  options: connectionOptions,
  examples: [{ command: "samepage host revoke web-1", meaning: "after its key may have been stolen" }],
  run: async ({ name, ...connection }, context) => {
    const host = await (await connect(connection, context)).hosts.revoke(name, context.signal);
    return { json: host, human: (terminal) => hostDetailLines(host, terminal) };
  },
});
