import type { DeunifyResult, FileFailure, GcResult, UnifyResult, VerifyResult } from "@samepage/proto";
import type { DeunifyReport, GarbageReport, UnifyReport, VerifyReport } from "@samepage/unify";

/** Entries of each list that are sent: with paths of 4 KiB, every byte escaped, a report stays below 1 MiB. */
const sentEntries = 40;
/** Guests are short and wanted. */
const sentGuests = 2000;

export function toUnifyResult(report: UnifyReport): UnifyResult {
  return {
    dryRun: report.dryRun,
    strategy: report.strategy,
    guard: report.guard,
    fileSystems: report.fileSystems.slice(0, sentEntries).map(({ mount, type, strategy, guard, reason }) => ({ mount, type, strategy, guard, reason })),
    filesScanned: BigInt(report.files.scanned),
    filesEligible: BigInt(report.files.eligible),
    filesUnified: BigInt(report.files.unified),
    filesSkipped: counts(report.files.skipped),
    bytesRead: BigInt(report.bytes.read),
    bytesHashed: BigInt(report.bytes.hashed),
    bytesCompared: BigInt(report.bytes.compared),
    bytesLogical: BigInt(report.bytes.logical),
    bytesReclaimed: BigInt(report.bytes.reclaimed),
    pageCacheShared: BigInt(report.pageCache.shared),
    pageCacheSaved: BigInt(report.pageCache.saved),
    guests: report.guests.slice(0, sentGuests).map(({ name, files, unified, reclaimed }) => ({ name, files: BigInt(files), unified: BigInt(unified), reclaimed: BigInt(reclaimed) })),
    guestsOmitted: Math.max(0, report.guests.length - sentGuests),
    stillMapping: report.stillMapping.slice(0, sentEntries).map(({ pid, command, guest, files }) => ({ pid, command, guest, files: BigInt(files) })),
    stillMappingOmitted: Math.max(0, report.stillMapping.length - sentEntries),
    ...failures(report),
    stopped: report.stopped ?? "",
    elapsedMs: milliseconds(report),
  };
}

export function toDeunifyResult(report: DeunifyReport): DeunifyResult {
  return {
    filesScanned: BigInt(report.files.scanned),
    filesDeunified: BigInt(report.files.deunified),
    filesStillShared: BigInt(report.files.stillShared),
    filesSkipped: counts(report.files.skipped),
    bytesCopied: BigInt(report.bytes.copied),
    bytesTaken: BigInt(report.bytes.taken),
    ...failures(report),
    stopped: report.stopped ?? "",
    elapsedMs: milliseconds(report),
  };
}

export function toVerifyResult(report: VerifyReport): VerifyResult {
  const damaged = report.pools.flatMap(({ path, damaged: objects }) => objects.map(({ object, expected, found, names }) => ({ pool: path, object, expected, found, names: BigInt(names) })));
  return {
    objects: sum(report.pools.map(({ objects }) => objects)),
    bytesRead: sum(report.pools.map(({ bytes }) => bytes)),
    damaged: damaged.slice(0, sentEntries),
    damagedOmitted: Math.max(0, damaged.length - sentEntries),
    ...failures(report),
    stopped: report.stopped ?? "",
    elapsedMs: milliseconds(report),
  };
}

export function toGcResult(report: GarbageReport): GcResult {
  return {
    objects: sum(report.pools.map(({ objects }) => objects)),
    objectsRemoved: sum(report.pools.map(({ removed }) => removed)),
    bytesFreed: sum(report.pools.map(({ freed }) => freed)),
    ...failures(report),
    stopped: report.stopped ?? "",
    elapsedMs: milliseconds(report),
  };
}

function failures({ failures: all }: Pick<UnifyReport, "failures">): { failures: FileFailure[]; failuresOmitted: number } {
  return { failures: all.slice(0, sentEntries).map(({ guest, path, code, message }) => ({ guest, path, code, message })), failuresOmitted: Math.max(0, all.length - sentEntries) };
}

function counts(skipped: UnifyReport["files"]["skipped"]): Record<string, bigint> {
  return Object.fromEntries(Object.entries(skipped).map(([reason, count]) => [reason, BigInt(count)]));
}

function sum(values: readonly number[]): bigint {
  return BigInt(values.reduce((total, value) => total + value, 0));
}

function milliseconds({ elapsedMs }: { readonly elapsedMs: number }): bigint {
  return BigInt(Math.round(elapsedMs));
}
