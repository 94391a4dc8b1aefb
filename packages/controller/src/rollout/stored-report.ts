import type { JobResult, Saving } from "@samepage/fleet";
import { Outcome, type Report, type UnifyResult } from "@samepage/proto";
import type { OperationResult } from "../api/report-view.ts";
import type { StoredReport } from "./rollout-store.ts";

/** Entries of each list that are kept: 10,000 hosts' reports must fit in Redis; the host keeps the whole in its log. */
const keptEntries = 50;

/** What the pure tick sees of a report. */
export function toJobResult(report: Report): JobResult {
  const base = { type: "result", jobId: report.jobId, fence: Number(report.fence), outcome: outcomeOf(report.outcome) } as const;
  const saved = savingOf(report);
  return {
    ...base,
    ...(base.outcome === "failed" ? { cause: { code: report.error?.code ?? "unknown", message: report.error?.message ?? "the agent gave no reason" } } : {}),
    ...(saved === undefined ? {} : { saved }),
    proved: isProved(report),
  };
}

/** What is kept of a report for operators. */
export function toStoredReport(report: Report): StoredReport {
  const { error, result } = report;
  return {
    startedAt: isoOfNs(report.startedAtNs),
    finishedAt: isoOfNs(report.finishedAtNs),
    error: error === undefined ? null : { code: error.code, message: error.message, hint: error.hint },
    result: result === undefined ? null : resultOf(result),
  };
}

function outcomeOf(outcome: Outcome): JobResult["outcome"] {
  switch (outcome) {
    case Outcome.SUCCEEDED:
      return "succeeded";
    case Outcome.DEADLINE:
    case Outcome.CANCELLED:
      return "stopped";
    case Outcome.INTERRUPTED:
      return "interrupted";
    default:
      return "failed";
  }
}

/** A deunify after which a fresh look found no name in a pool, or KSM put back: the host is as it was before. */
function isProved({ result }: Report): boolean {
  if (result?.$case === "ksm") return result.value.restored;
  if (result?.$case !== "deunify") return false;
  const { stopped, failures, failuresOmitted, filesStillShared } = result.value;
  return stopped === "" && failures.length === 0 && failuresOmitted === 0 && filesStillShared === 0n;
}

function savingOf({ result }: Report): Saving | undefined {
  if (result?.$case === "ksm" && !result.value.restored) return { diskBytes: 0, cacheBytes: 0, memoryBytes: Math.max(0, Number(result.value.generalProfit)) };
  if (result?.$case !== "unify" || result.value.dryRun) return undefined;
  return { diskBytes: Number(result.value.bytesReclaimed), cacheBytes: Number(result.value.pageCacheSaved), memoryBytes: 0 };
}

function resultOf(result: NonNullable<Report["result"]>): OperationResult {
  const plain = result.$case === "unify" ? unifyResultOf(result.value) : toPlain(result.value);
  return typeof plain === "object" && plain !== null ? { ...plain } : {};
}

/** In the shape that `samepage local unify --json` prints. */
function unifyResultOf(value: UnifyResult): OperationResult {
  return {
    strategy: value.strategy,
    guard: value.guard,
    dryRun: value.dryRun,
    fileSystems: toPlain(value.fileSystems),
    files: { scanned: Number(value.filesScanned), eligible: Number(value.filesEligible), unified: Number(value.filesUnified), skipped: toPlain(value.filesSkipped) },
    bytes: {
      read: Number(value.bytesRead),
      hashed: Number(value.bytesHashed),
      compared: Number(value.bytesCompared),
      logical: Number(value.bytesLogical),
      reclaimed: Number(value.bytesReclaimed),
    },
    pageCache: { shared: Number(value.pageCacheShared), saved: Number(value.pageCacheSaved) },
    guests: toPlain(value.guests),
    guestsOmitted: value.guestsOmitted + beyond(value.guests),
    stillMapping: toPlain(value.stillMapping),
    stillMappingOmitted: value.stillMappingOmitted + beyond(value.stillMapping),
    failures: toPlain(value.failures),
    failuresOmitted: value.failuresOmitted + beyond(value.failures),
    ...(value.stopped === "" ? {} : { stopped: value.stopped }),
    elapsedMs: Number(value.elapsedMs),
  };
}

function beyond(list: readonly unknown[]): number {
  return Math.max(0, list.length - keptEntries);
}

/** As JSON can carry it: int64 as numbers, maps as objects, lists cut. */
function toPlain(value: unknown): unknown {
  if (typeof value === "bigint") return Number(value);
  if (Array.isArray(value)) return value.slice(0, keptEntries).map(toPlain);
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, toPlain(entry)]));
  return typeof value === "string" ? value.slice(0, 4096) : value;
}

function isoOfNs(at: bigint): string | null {
  const milliseconds = Number(at / 1_000_000n);
  // A hostile or broken clock: beyond what a Date can hold.
  return at <= 0n || milliseconds > 8.64e15 ? null : new Date(milliseconds).toISOString();
}
