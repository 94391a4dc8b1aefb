import { connect, connectionOptions } from "../remote/connection.ts";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { defineVerb } from "../verb.ts";

export const catalogStatus = defineVerb({
  path: "catalog status",
  summary: "show each trust domain's catalog",
  description: ["A catalog is what the live template versions of a domain consist of, as agents fetch it: digests only, signed, in segments."],
  arguments: {},
  options: connectionOptions,
  examples: [{ command: "samepage catalog status", meaning: "how many digests each domain has, and what an agent fetches" }],
  run: async (connection, context) => {
    const domains = await (await connect(connection, context)).templates.catalogs(context.signal);
    return {
      json: { domains },
      human: (terminal) =>
        table(
          domains,
          [
            { title: "DOMAIN", cell: ({ domain }) => domain, shrinks: true },
            { title: "EPOCH", cell: ({ epoch }) => `${epoch}`, align: "right" },
            { title: "DIGESTS", cell: ({ digests }) => formatCount(digests), align: "right" },
            { title: "SEGMENTS", cell: ({ segments }) => formatCount(segments), align: "right" },
            { title: "ON THE WIRE", cell: ({ wireBytes }) => formatBytes(wireBytes), align: "right" },
            { title: "TEMPLATES", cell: ({ templates }) => formatCount(templates), align: "right" },
            { title: "PUBLISHED", cell: ({ publishedAt }) => publishedAt },
          ],
          terminal,
        ),
    };
  },
});
