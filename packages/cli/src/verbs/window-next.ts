import { integer, one } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { table } from "../terminal/table.ts";
import { defineVerb } from "../verb.ts";

export const windowNext = defineVerb({
  path: "window next",
  summary: "show when a host may be worked on next, in its window's zone and its own",
  arguments: { host: one("host", "the host's name") },
  options: { count: integer("n", 1, 99, "how many openings", "5"), ...connectionOptions },
  examples: [{ command: "samepage window next web-1", meaning: "the next five openings, blackouts taken off" }],
  run: async ({ host, count, ...connection }, context) => {
    const openings = await (await connect(connection, context)).windows.next(host, count, context.signal);
    return {
      json: { openings },
      human: (terminal) =>
        openings.length === 0
          ? [terminal.style.warn(`${host} may not be worked on within ten years: its windows never open, or blackouts cover them`)]
          : table(
              openings,
              [
                { title: "WINDOW", cell: ({ window }) => (window === "" ? "(none)" : window), shrinks: true },
                { title: "OPENS", cell: ({ opensAt, inWindowZone }) => (opensAt === null ? "at any time" : inWindowZone.opens) },
                { title: "CLOSES", cell: ({ inWindowZone }) => inWindowZone.closes ?? "never" },
                { title: "BY THE HOST'S CLOCK", cell: ({ opensAt, inHostZone }) => (opensAt === null ? "" : inHostZone.opens), shrinks: true },
              ],
              terminal,
            ),
    };
  },
});
