import { exitCode } from "../exit-code.ts";
import { onlyGiven } from "../only-given.ts";
import { bytes, integer, text, toggle } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { watchRollout } from "../remote/watch-rollout.ts";
import { formatBytes, formatCount } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { defineVerb } from "../verb.ts";

export const catalogCandidates = defineVerb({
  path: "catalog candidates",
  summary: "show what many guests have in common and no template covers",
  description: [
    "The hosts' agents read the guests' larger files and name those that no template of their domain has, by digest; the controller finds what the same guests have in common. Domains are never added up.",
    "The saving is what sharing frees on disk: on each host all copies but one.",
  ],
  arguments: {},
  options: {
    selector: text("selector", "which hosts look, as in rollout create", { defaultText: "all" }),
    minSize: bytes("smaller files are not looked at", "64K"),
    minGuests: integer("n", 2, 99_999, "what fewer guests have in common is not shown", "3"),
    known: toggle("look at nothing; show what was found within 30 days"),
    ...connectionOptions,
  },
  examples: [{ command: "samepage catalog candidates --selector env=prod", meaning: "what would be worth a template in production" }],
  run: async ({ selector, minSize, minGuests, known, ...connection }, context) => {
    const api = await connect(connection, context);
    const rollout = known ? undefined : await watchRollout(api, (await api.catalog.lookForCandidates(onlyGiven({ selector, minSize }), context.signal)).id, context.out, context.signal);
    const found = await api.catalog.candidates(onlyGiven({ minimumGuests: minGuests }), context.signal);
    return {
      json: found,
      human: (terminal) =>
        table(
          found.candidates,
          [
            { title: "DOMAIN", cell: ({ domain }) => domain, shrinks: true },
            { title: "GUESTS", cell: ({ guests }) => formatCount(guests.length), align: "right" },
            { title: "FILES", cell: ({ files }) => formatCount(files), align: "right" },
            { title: "SIZE", cell: ({ bytes: size }) => formatBytes(size), align: "right" },
            { title: "SAVING", cell: ({ saving }) => formatBytes(saving), align: "right" },
            { title: "E.G.", cell: ({ examples }) => `/${examples[0] ?? ""}`, shrinks: true },
          ],
          terminal,
        ),
      exitCode: rollout === undefined || (rollout.state === "completed" && rollout.hosts.failed === 0) ? exitCode.done : exitCode.failed,
    };
  },
});
