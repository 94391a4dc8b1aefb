import { DEFAULT_POLICY, isOver, type JobReport, type RolloutPlan, type RolloutState } from "@samepage/fleet";
import type { EventBody } from "../api/event-view.ts";
import type { HostReportView } from "../api/report-view.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { runScript, script } from "../redis/script.ts";
import { auditFields, type AuditEntry } from "../stores/audit-log.ts";
import type { RolloutRecord, StoredRollout } from "./rollout-record.ts";

/** What a host's newest report said, as it is kept with the rollout. */
export type StoredReport = Pick<HostReportView, "startedAt" | "finishedAt" | "error" | "result">;

/** One step of a rollout, stored whole or not at all. */
interface RolloutStep {
  readonly id: string;
  /** Version of the state that the step began from. */
  readonly from: number;
  readonly state: RolloutState;
  /** Reports of the inbox that the step took in, from its front. */
  readonly consumed: number;
  readonly acquire: readonly string[];
  readonly release: readonly string[];
  readonly audit: readonly AuditEntry[];
  readonly events: readonly EventBody[];
}

/** `conflict`: another controller stored a step meanwhile. `held`: another rollout took one of the hosts. Nothing was stored. */
type StepOutcome = "stored" | "conflict" | "held";

/** The truth about rollouts. */
export interface RolloutStore {
  create(record: RolloutRecord, state: RolloutState, audit: AuditEntry): Promise<void>;
  /** Newest first. */
  ids(): Promise<readonly string[]>;
  /** Those that are not over, in no order. */
  openIds(): Promise<readonly string[]>;
  get(id: string): Promise<StoredRollout | undefined>;
  /** What does not change about it; cheap when asked for again, where `get` reads the state of all its hosts. */
  recordOf(id: string): Promise<RolloutRecord | undefined>;
  /** Its frozen plan; cheap when asked for again. */
  planOf(id: string): Promise<RolloutPlan | undefined>;
  /** What a tick looks at; undefined when there is no such rollout. */
  read(id: string): Promise<(StoredRollout & { readonly inbox: readonly JobReport[]; readonly fenceFloor: number; readonly locks: Readonly<Record<string, string>> }) | undefined>;
  store(step: RolloutStep): Promise<StepOutcome>;
  /** Puts what an agent said where the next tick finds it; with the host's report, if there is one. */
  deliver(id: string, report: JobReport, stored?: { readonly index: number; readonly report: StoredReport }): Promise<void>;
  reports(id: string): Promise<ReadonlyMap<number, StoredReport>>;
}

/** Reports that one tick takes in: 10,000 hosts that end at once take three ticks. */
const inboxPage = 4000;

/** Events kept, see EventLog. */
const keptEvents = 20_000;

/** KEYS: state, locks, inbox, audit, events, fence, open. ARGV: rollout, from, to, state, consumed, fence, acquire, release, audit, events, kept, over. */
const storeScript = script(`
if redis.call("HGET", KEYS[1], "version") ~= ARGV[2] then return "conflict" end
local acquire = cjson.decode(ARGV[7])
for _, host in ipairs(acquire) do
  local holder = redis.call("HGET", KEYS[2], host)
  if holder and holder ~= ARGV[1] then return "held" end
end
for _, host in ipairs(acquire) do redis.call("HSET", KEYS[2], host, ARGV[1]) end
for _, host in ipairs(cjson.decode(ARGV[8])) do
  if redis.call("HGET", KEYS[2], host) == ARGV[1] then redis.call("HDEL", KEYS[2], host) end
end
redis.call("HSET", KEYS[1], "version", ARGV[3], "state", ARGV[4])
redis.call(ARGV[12] == "1" and "SREM" or "SADD", KEYS[7], ARGV[1])
if tonumber(ARGV[5]) > 0 then redis.call("LTRIM", KEYS[3], ARGV[5], -1) end
if tonumber(ARGV[6]) > tonumber(redis.call("GET", KEYS[6]) or "0") then redis.call("SET", KEYS[6], ARGV[6]) end
for _, fields in ipairs(cjson.decode(ARGV[9])) do redis.call("XADD", KEYS[4], "*", unpack(fields)) end
for _, body in ipairs(cjson.decode(ARGV[10])) do redis.call("XADD", KEYS[5], "MAXLEN", "~", ARGV[11], "*", "body", body) end
return "stored"`);

/** KEYS: inbox, reports. ARGV: job report, host index, stored report. */
const deliverScript = script(`
redis.call("RPUSH", KEYS[1], ARGV[1])
if ARGV[2] ~= "" then redis.call("HSET", KEYS[2], ARGV[2], ARGV[3]) end`);

export function createRolloutStore(store: RedisClient): RolloutStore {
  // Frozen: read once, kept while it is used.
  const records = new Map<string, RolloutRecord>();
  const recordOf = async (id: string): Promise<RolloutRecord | undefined> => {
    const known = records.get(id);
    if (known !== undefined) return known;
    const text = await store.get(keys.rolloutPlan(id));
    if (text === null) return undefined;
    const stored: RolloutRecord = JSON.parse(text);
    // A plan frozen by an older controller knows no policy of newer ones.
    const record = { ...stored, plan: { ...stored.plan, policy: { ...DEFAULT_POLICY, ...stored.plan.policy } } };
    if (records.size >= 64) records.clear();
    records.set(id, record);
    return record;
  };
  const stateOf = async (id: string): Promise<RolloutState | undefined> => {
    const text = await store.hget(keys.rolloutState(id), "state");
    if (text === null) return undefined;
    const state: RolloutState = JSON.parse(text);
    return state;
  };
  const get = async (id: string): Promise<StoredRollout | undefined> => {
    const [record, state] = await Promise.all([recordOf(id), stateOf(id)]);
    return record === undefined || state === undefined ? undefined : { record, state };
  };

  return {
    create: async (record, state, audit) => {
      const { id, createdAt } = record.plan;
      await store
        .multi()
        .set(keys.rolloutPlan(id), JSON.stringify(record))
        .hset(keys.rolloutState(id), { version: state.version, state: JSON.stringify(state) })
        .xadd(keys.audit, "*", ...auditFields(audit))
        .zadd(keys.rollouts, createdAt, id)
        .sadd(keys.openRollouts, id)
        .exec();
    },
    ids: async () => store.zrange(keys.rollouts, "0", "-1", "REV"),
    openIds: async () => store.smembers(keys.openRollouts),
    get,
    recordOf,
    planOf: async (id) => (await recordOf(id))?.plan,
    read: async (id) => {
      // The inbox after the state: what comes in between is left for the next tick, never lost.
      const stored = await get(id);
      if (stored === undefined) return undefined;
      const [entries, fence, locks] = await Promise.all([store.lrange(keys.rolloutInbox(id), 0, inboxPage - 1), store.get(keys.fence), store.hgetall(keys.hostLocks)]);
      const inbox = entries.map((entry): JobReport => JSON.parse(entry));
      return { ...stored, inbox, fenceFloor: Number(fence ?? 0), locks };
    },
    store: async ({ id, from, state, consumed, acquire, release, audit, events }) => {
      const outcome = await runScript(
        store,
        storeScript,
        [keys.rolloutState(id), keys.hostLocks, keys.rolloutInbox(id), keys.audit, keys.events, keys.fence, keys.openRollouts],
        [
          id,
          from,
          state.version,
          JSON.stringify(state),
          consumed,
          state.lastFence,
          JSON.stringify(acquire),
          JSON.stringify(release),
          JSON.stringify(audit.map(auditFields)),
          JSON.stringify(events.map((event) => JSON.stringify(event))),
          keptEvents,
          isOver(state.status) ? 1 : 0,
        ],
      );
      return outcome === "stored" || outcome === "held" ? outcome : "conflict";
    },
    deliver: async (id, report, stored) => {
      const values = [JSON.stringify(report), stored?.index ?? "", stored === undefined ? "" : JSON.stringify(stored.report)];
      await runScript(store, deliverScript, [keys.rolloutInbox(id), keys.rolloutReports(id)], values);
    },
    reports: async (id) => {
      const entries = await store.hgetall(keys.rolloutReports(id));
      return new Map(
        Object.entries(entries).map(([index, text]) => {
          const report: StoredReport = JSON.parse(text);
          return [Number(index), report];
        }),
      );
    },
  };
}
