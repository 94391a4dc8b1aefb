import { one, toggle } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { hostDetailLines } from "../remote/host-lines.ts";
import { defineVerb } from "../verb.ts";

export const hostCordon = defineVerb({
  path: "host cordon",
  summary: "leave a host out of new work, or take it back in",
  description: ["Work that runs on the host already goes on."],
  arguments: { name: one("host", "the host's name") },
  options: { off: toggle("take it back in"), ...connectionOptions },
  examples: [
    { command: "samepage host cordon web-1", meaning: "no new work there" },
    { command: "samepage host cordon web-1 --off", meaning: "work as usual" },
  ],
  run: async ({ name, off, ...connection }, context) => {
    const host = await (await connect(connection, context)).hosts.change(name, { cordoned: !off }, context.signal);
    return { json: host, human: (terminal) => hostDetailLines(host, terminal) };
  },
});
