import { connect, connectionOptions } from "../remote/connection.ts";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { defineVerb } from "../verb.ts";

export const templateLs = defineVerb({
  path: "template ls",
  summary: "list the templates",
  arguments: {},
  options: connectionOptions,
  examples: [{ command: "samepage template ls", meaning: "every template with its newest version" }],
  run: async (connection, context) => {
    const templates = await (await connect(connection, context)).templates.list(context.signal);
    const rows = templates.map(({ name, domain, versions, aliases }) => ({ name, domain, versions: versions.length, latest: versions.find(({ version }) => version === aliases["latest"]) }));
    return {
      json: { templates },
      human: (terminal) =>
        table(
          rows,
          [
            { title: "NAME", cell: ({ name }) => name, shrinks: true },
            { title: "DOMAIN", cell: ({ domain }) => domain, shrinks: true },
            { title: "LATEST", cell: ({ latest }) => latest?.version ?? "" },
            { title: "VERSIONS", cell: ({ versions }) => formatCount(versions), align: "right" },
            { title: "NAMES", cell: ({ latest }) => formatCount(latest?.entries ?? 0), align: "right" },
            { title: "SIZE", cell: ({ latest }) => formatBytes(latest?.bytes ?? 0), align: "right" },
          ],
          terminal,
        ),
    };
  },
});
