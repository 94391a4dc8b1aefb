import type { GuardStatus } from "@samepage/guard";
import { formatBytes, formatCount } from "../terminal/format.ts";

/** What `local status` shows of the copy-on-write guard. */
export function guardLines(status: GuardStatus | null): string[] {
  if (status === null) return ["copy-on-write guard: not running"];
  const { mode, marks, breaks, cloned, copiedBytes, failed, refused, latencyMicroseconds: latency } = status;
  const milliseconds = (microseconds: number): string => `${(microseconds / 1000).toFixed(1)} ms`;
  return [
    `copy-on-write guard: ${mode === "copy" ? "on" : "refuses in-place changes"}, ${formatCount(marks)} inodes marked; since it started ${formatCount(breaks)} links broken (${formatCount(cloned)} without copying, ${formatBytes(copiedBytes)} copied), ${formatCount(failed)} failed`,
    `  refused: ${formatCount(refused.rule)} by rule, ${formatCount(refused.unguarded + refused.timeout)} without an answer; a break took ${milliseconds(latency.p50)} (p50), ${milliseconds(latency.p99)} (p99), ${milliseconds(latency.max)} (longest)`,
  ];
}
