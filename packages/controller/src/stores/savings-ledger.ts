import type { Report } from "@samepage/proto";
import type { SavingsView } from "../api/savings-view.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { runScript, script } from "../redis/script.ts";

/** The fleet's savings over time, from the agents' final reports. */
export interface SavingsLedger {
  /** Takes a report into account once, however often it is delivered; what changed no files changes nothing here. */
  record(host: string, report: Report, now: number): Promise<void>;
  read(): Promise<SavingsView>;
}

/** Hours of history kept: 90 days show a season, and cost some 200 kB. */
const keptHours = 90 * 24;
const hourMs = 3_600_000;

/**
 * KEYS: hosts, totals, history, KSM by host. ARGV: host, job and fence, disk bytes, page cache bytes or "", KSM bytes or "", hour,
 * oldest hour kept. "" leaves a kind as it is. An agent has one job at a time and repeats only its last report, so the last job's
 * name tells a repetition.
 */
const recordScript = script(`
local before = redis.call("HGET", KEYS[1], ARGV[1])
local cache, job = 0, ""
if before then local at = before:find(" ", 1, true); cache = tonumber(before:sub(1, at - 1)); job = before:sub(at + 1) end
if job == ARGV[2] then return 0 end
local whole = function(number) return string.format("%.0f", number) end
local now = ARGV[4] == "" and cache or tonumber(ARGV[4])
redis.call("HSET", KEYS[1], ARGV[1], whole(now) .. " " .. ARGV[2])
local disk = redis.call("HINCRBY", KEYS[2], "disk", ARGV[3])
local total = redis.call("HINCRBY", KEYS[2], "cache", whole(now - cache))
local merged = tonumber(redis.call("HGET", KEYS[4], ARGV[1]) or "0")
local ksm = redis.call("HINCRBY", KEYS[2], "ksm", ARGV[5] == "" and "0" or whole(tonumber(ARGV[5]) - merged))
if ARGV[5] ~= "" then redis.call("HSET", KEYS[4], ARGV[1], ARGV[5]) end
redis.call("ZREMRANGEBYSCORE", KEYS[3], ARGV[6], ARGV[6])
redis.call("ZADD", KEYS[3], ARGV[6], ARGV[6] .. " " .. whole(disk) .. " " .. whole(total) .. " " .. whole(ksm))
redis.call("ZREMRANGEBYSCORE", KEYS[3], "-inf", ARGV[7])
return 1`);

export function createSavingsLedger(store: RedisClient): SavingsLedger {
  return {
    record: async (host, report, now) => {
      const change = changeOf(report);
      if (change === undefined) return;
      const hour = Math.floor(now / hourMs);
      const values = [host, `${report.jobId}.${report.fence}`, String(change.diskBytes), String(change.pageCacheBytes ?? ""), String(change.ksmBytes ?? ""), hour, hour - keptHours];
      await runScript(store, recordScript, [keys.savingsHosts, keys.savingsTotals, keys.savingsHistory, keys.savingsKsm], values);
    },
    read: async () => {
      const [totals, entries] = await Promise.all([store.hgetall(keys.savingsTotals), store.zrange(keys.savingsHistory, "0", "-1")]);
      const history = entries.map((entry) => {
        const [hour = 0, diskBytes = 0, pageCacheBytes = 0, ksmBytes = 0] = entry.split(" ").map(Number);
        return { at: new Date(hour * hourMs).toISOString(), diskBytes, pageCacheBytes, ksmBytes };
      });
      return { diskBytes: Number(totals["disk"] ?? 0), pageCacheBytes: Number(totals["cache"] ?? 0), ksmBytes: Number(totals["ksm"] ?? 0), history };
    },
  };
}

/** What a report says that was saved; a deunify job's page cache is no longer shared. Undefined: the kind is as it was. */
interface SavingsChange {
  readonly diskBytes: bigint;
  readonly pageCacheBytes?: bigint;
  readonly ksmBytes?: bigint;
}

function changeOf({ result }: Report): SavingsChange | undefined {
  switch (result?.$case) {
    case "unify":
      return result.value.dryRun ? undefined : { diskBytes: result.value.bytesReclaimed, pageCacheBytes: result.value.pageCacheSaved };
    case "deunify":
      return { diskBytes: -result.value.bytesTaken, pageCacheBytes: 0n };
    case "ksm":
      return { diskBytes: 0n, ksmBytes: result.value.restored ? 0n : result.value.generalProfit };
    default:
      return undefined;
  }
}
