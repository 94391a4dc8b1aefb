import { many, one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { hostDetailLines } from "../remote/host-lines.ts";
import { parseLabelChanges } from "../remote/parse-labels.ts";
import { defineVerb } from "../verb.ts";

export const hostLabel = defineVerb({
  path: "host label",
  summary: "set and remove labels of a host",
  arguments: { name: one("host", "the host's name"), labels: many("label", "key=value sets a label, key- removes it") },
  options: connectionOptions,
  examples: [{ command: "samepage host label web-1 ring=canary old-", meaning: "set one label, remove another" }],
  run: async ({ name, labels, ...connection }, context) => {
    const host = await (await connect(connection, context)).hosts.change(name, { labels: parseLabelChanges(labels) }, context.signal);
    return { json: host, human: (terminal) => hostDetailLines(host, terminal) };
  },
});
