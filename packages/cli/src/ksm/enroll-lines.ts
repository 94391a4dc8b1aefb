import type { EnrollReport } from "@samepage/ksm";
import { exitCode, type ExitCode } from "../exit-code.ts";
import { plural } from "../terminal/format.ts";

/** Outcomes that leave a process where it was wanted, or where a rule wants it. */
const FINE = new Set(["verified", "already", "denylisted", "gone", "zombie"]);

/** What became of a guest's processes: the counts, then those that need a look. */
export function enrollLines(guest: string, report: EnrollReport, done: string): string[] {
  const total = report.processes.length;
  const counts = Object.entries(report.counts).map(([outcome, count]) => `${count} ${outcome}`).join(", ");
  return [
    total === 0 ? `${guest}: no process found` : `${guest}: ${plural(total, "process")}: ${counts}`.replace("processs", "processes"),
    ...report.processes.filter(({ outcome }) => !FINE.has(outcome) || outcome === "denylisted").map(({ pid, comm, outcome, detail }) => `  ${pid} ${comm}: ${outcome}${detail === "" ? "" : ` (${detail})`}`),
    ...(report.stable ? [] : [`the guest starts processes faster than they can be ${done}: run the command again`]),
  ];
}

/** Done when every process is where it should be. */
export function enrollExit(report: EnrollReport): ExitCode {
  return report.stable && report.processes.length > 0 && report.processes.every(({ outcome }) => FINE.has(outcome)) ? exitCode.done : exitCode.failed;
}
