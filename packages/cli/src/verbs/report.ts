import type { RolloutReportView } from "@samepage/controller/api";
import { optional } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { summaryLine } from "../remote/rollout-lines.ts";
import { rolloutOrNewest } from "../remote/rollout-or-newest.ts";
import { formatBytes, formatCount, plural } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { printable } from "../terminal/text-width.ts";
import { defineVerb } from "../verb.ts";

export const report = defineVerb({
  path: "report",
  summary: "show what a rollout did, host by host",
  arguments: { id: optional("rollout", "the rollout's id; default: the newest") },
  options: connectionOptions,
  examples: [{ command: "samepage report 01J9Z8 --json", meaning: "every host's own report, for a program" }],
  run: async ({ id, ...connection }, context) => {
    const api = await connect(connection, context);
    const view = await api.rollouts.report(await rolloutOrNewest(api, id, context.signal), context.signal);
    return { json: view, human: (terminal) => reportLines(view, terminal) };
  },
});

function reportLines({ rollout, totals, failures, hosts }: RolloutReportView, terminal: Terminal): string[] {
  const isDryRun = rollout.operation.kind === "plan";
  return [
    summaryLine(rollout, terminal),
    ...table(
      hosts,
      [
        { title: "HOST", cell: ({ host }) => host, shrinks: true },
        { title: "STATE", cell: ({ state }) => state },
        { title: "FILES", cell: ({ result }) => formatCount(numberAt(result, "files", "unified")), align: "right" },
        { title: isDryRun ? "WOULD FREE" : "DISK FREED", cell: ({ result }) => formatBytes(numberAt(result, "bytes", "reclaimed")), align: "right" },
        { title: "CACHE SAVED", cell: ({ result }) => savedCache(result), align: "right" },
        { title: "WHY", cell: ({ error }) => error?.message ?? "", shrinks: true },
      ],
      terminal,
    ),
    isDryRun
      ? `a dry run: ${formatBytes(hosts.reduce((sum, { result }) => sum + numberAt(result, "bytes", "reclaimed"), 0))} would be freed, nothing was changed`
      : `${plural(totals.filesUnified, "file")} unified, ${formatBytes(totals.reclaimedBytes)} freed on disk${totals.predictedBytes === null ? "" : ` (${formatBytes(totals.predictedBytes)} predicted)`}${totals.pageCacheSavedBytes === 0 ? "" : `, ${formatBytes(totals.pageCacheSavedBytes)} of page cache saved now`}`,
    ...failures.map(({ cause, hosts: names }) => terminal.style.bad(printable(`${plural(names.length, "host")}: ${cause}`))),
  ];
}

/** Empty where nothing shared is in the page cache now: that says nothing about what sharing will save. */
function savedCache(result: Readonly<Record<string, unknown>> | null): string {
  const saved = numberAt(result, "pageCache", "saved");
  return saved === 0 ? "" : formatBytes(saved);
}

/** A figure out of the engine's report; a host with an older agent may not have it. */
function numberAt(result: Readonly<Record<string, unknown>> | null, group: string, key: string): number {
  const within = result?.[group];
  const value: unknown = typeof within === "object" && within !== null ? Reflect.get(within, key) : undefined;
  return typeof value === "number" ? value : 0;
}
