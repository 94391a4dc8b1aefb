import type { DeunifyReport, GarbageReport, StatusReport, UnifyReport, VerifyReport } from "@samepage/unify";
import { formatBytes, formatCount, formatDuration, plural } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import type { Terminal } from "../terminal/terminal.ts";
import { printable } from "../terminal/text-width.ts";

/** Failures shown; the rest is counted, and --json has them all. */
const shownFailures = 10;

/** What `local plan` and `local unify` show. */
export function unifyReportLines(report: UnifyReport, terminal: Terminal): string[] {
  const { files, bytes, pageCache, dryRun } = report;
  const { style } = terminal;
  return [
    ...report.fileSystems.map(({ mount, type, strategy, guard, reason }) => printable(`${mount} (${type}): ${strategy === "nothing" ? "nothing can be shared" : strategy === "hardlink" ? `hard links, guard ${guard}` : strategy}. ${reason}`)),
    ...table(
      report.guests,
      [
        { title: "GUEST", cell: ({ name }) => name, shrinks: true },
        { title: "FILES", cell: (guest) => formatCount(guest.files), align: "right" },
        { title: dryRun ? "TO UNIFY" : "UNIFIED", cell: ({ unified }) => formatCount(unified), align: "right" },
        { title: dryRun ? "WOULD FREE" : "FREED", cell: ({ reclaimed }) => formatBytes(reclaimed), align: "right" },
      ],
      terminal,
    ),
    style.bold(headline(report)),
    `${plural(files.scanned, "file")} scanned (${formatBytes(bytes.logical)}), ${formatBytes(bytes.read)} read, ${formatBytes(bytes.compared)} compared, ${formatBytes(bytes.hashed)} hashed, in ${formatDuration(report.elapsedMs)}`,
    ...(dryRun || pageCache.shared === 0 ? [] : [`page cache now: ${formatBytes(pageCache.shared)} shared, ${formatBytes(pageCache.saved)} saved`]),
    ...skipLine(files.skipped),
    ...report.stillMapping.map(({ pid, command, guest, files: count }) => style.warn(printable(`${guest}: process ${pid} (${command}) still maps ${plural(count, "replaced file")}; restart it to save its memory`))),
    ...endLines(report, terminal),
  ];
}

function headline({ files, bytes, dryRun, fileSystems }: UnifyReport): string {
  if (fileSystems.every(({ strategy }) => strategy === "nothing")) return "nothing can be shared here; the reason is above";
  if (files.unified === 0) return "nothing to do: every file that can be shared is shared already";
  return dryRun ? `would unify ${plural(files.unified, "file")} and free ${formatBytes(bytes.reclaimed)}` : `${plural(files.unified, "file")} unified, ${formatBytes(bytes.reclaimed)} freed on disk`;
}

/** What `local deunify` shows. */
export function deunifyReportLines(report: DeunifyReport, terminal: Terminal): string[] {
  return [
    ...table(
      report.guests,
      [
        { title: "GUEST", cell: ({ name }) => name, shrinks: true },
        { title: "FILES", cell: ({ files }) => formatCount(files), align: "right" },
        { title: "PRIVATE AGAIN", cell: ({ deunified }) => formatCount(deunified), align: "right" },
      ],
      terminal,
    ),
    terminal.style.bold(report.files.deunified === 0 ? "nothing to do: no file is shared" : `${plural(report.files.deunified, "file")} private again, ${formatBytes(report.bytes.taken)} taken on disk`),
    ...(report.files.stillShared === 0 ? [] : [terminal.style.warn(`${plural(report.files.stillShared, "name")} still shared: run it again when nothing writes to them`)]),
    ...skipLine(report.files.skipped),
    ...endLines(report, terminal),
  ];
}

/** What `local verify` shows. */
export function verifyReportLines(report: VerifyReport, terminal: Terminal): string[] {
  return [
    ...report.pools.map(({ path, objects, bytes, damaged }) => printable(`${path}: ${plural(objects, "object")}, ${formatBytes(bytes)} read, ${formatCount(damaged.length)} damaged`)),
    ...report.pools.flatMap(({ damaged }) => damaged.map(({ object, names }) => terminal.style.bad(printable(`damaged: ${object}, used by ${plural(names, "name")}; its content is not what its name says`)))),
    ...(report.pools.length === 0 ? ["no pool here: nothing has been unified"] : []),
    ...endLines(report, terminal),
  ];
}

/** What `local status` shows. */
export function statusReportLines(report: StatusReport, terminal: Terminal): string[] {
  return [
    ...report.pools.map(({ path, type, objects, bytes, garbage, pending }) =>
      printable(`${path} (${type}): ${plural(objects, "object")}, ${formatBytes(bytes)}; unused: ${formatCount(garbage.objects)}, ${formatBytes(garbage.bytes)}${pending === 0 ? "" : `; ${plural(pending, "displaced file")} of an interrupted run, settled by the next unify`}`)),
    ...table(
      report.guests,
      [
        { title: "GUEST", cell: ({ name }) => name, shrinks: true },
        { title: "FILES", cell: ({ files }) => formatCount(files), align: "right" },
        { title: "SHARED", cell: ({ shared }) => formatCount(shared), align: "right" },
        { title: "ALONE", cell: ({ bytes }) => formatBytes(bytes.alone), align: "right" },
        { title: "NOW", cell: ({ bytes }) => formatBytes(bytes.now), align: "right" },
      ],
      terminal,
    ),
    `page cache now: ${formatBytes(report.pageCache.shared)} shared, ${formatBytes(report.pageCache.saved)} saved`,
    ...endLines(report, terminal),
  ];
}

/** What `local gc` shows. */
export function garbageReportLines(report: GarbageReport, terminal: Terminal): string[] {
  return [
    ...report.pools.map(({ path, objects, removed, freed }) => printable(`${path}: ${formatCount(removed)} of ${plural(objects, "object")} removed, ${formatBytes(freed)} freed`)),
    ...(report.pools.length === 0 ? ["no pool here: nothing has been unified"] : []),
    ...endLines(report, terminal),
  ];
}

function skipLine(skipped: UnifyReport["files"]["skipped"]): string[] {
  const reasons = Object.entries(skipped).filter(([, count]) => count > 0).toSorted(([, a], [, b]) => b - a);
  return reasons.length === 0 ? [] : [`left alone: ${reasons.map(([reason, count]) => `${formatCount(count)} ${reason}`).join(", ")}`];
}

interface Ending {
  readonly failures: UnifyReport["failures"];
  readonly stopped?: "deadline" | "cancelled";
}

function endLines({ failures, stopped }: Ending, { style }: Terminal): string[] {
  const more = failures.length - shownFailures;
  return [
    ...failures.slice(0, shownFailures).map(({ guest, path, message }) => style.bad(printable(`${guest}: ${path}: ${message}`))),
    ...(more > 0 ? [style.bad(`and ${plural(more, "failure")} more; --json lists them`)] : []),
    ...(stopped === undefined ? [] : [style.warn(`stopped: ${stopped === "deadline" ? "the deadline was reached" : "on request"}; the next run goes on from there`)]),
  ];
}
