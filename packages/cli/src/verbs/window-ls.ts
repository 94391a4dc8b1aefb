import type { BlackoutView } from "@samepage/controller/api";
import { connect, connectionOptions } from "../remote/connection.ts";
import { formatDuration } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { defineVerb } from "../verb.ts";

export const windowLs = defineVerb({
  path: "window ls",
  summary: "list windows and blackouts",
  arguments: {},
  options: connectionOptions,
  examples: [{ command: "samepage window ls --json", meaning: "as a program reads them" }],
  run: async (input, context) => {
    const calendar = await (await connect(input, context)).windows.list(context.signal);
    const rows = [...calendar.windows.map((rule) => ({ kind: "window", rule })), ...calendar.blackouts.map((rule) => ({ kind: "blackout", rule }))];
    return {
      json: calendar,
      human: (terminal) =>
        rows.length === 0
          ? ["no windows: every host may be worked on at any time"]
          : table<{ readonly kind: string; readonly rule: BlackoutView }>(
              rows,
              [
                { title: "KIND", cell: ({ kind }) => kind },
                { title: "NAME", cell: ({ rule }) => rule.name, shrinks: true },
                { title: "HOSTS", cell: ({ rule }) => rule.selector, shrinks: true },
                { title: "WHEN", cell: ({ rule }) => ("schedule" in rule ? rule.schedule : `${rule.from} to ${rule.to}`), shrinks: true },
                { title: "FOR", cell: ({ rule }) => ("schedule" in rule ? formatDuration(1000 * rule.durationSeconds) : "") },
                { title: "ZONE", cell: ({ rule }) => rule.zone },
              ],
              terminal,
            ),
    };
  },
});
