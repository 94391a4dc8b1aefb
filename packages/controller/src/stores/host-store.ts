import type { HostChange, HostFacts } from "../api/host-view.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { runScript, script } from "../redis/script.ts";
import type { HostGuest } from "./host-guest.ts";
import { parseHostRecord, type HostRecord } from "./host-record.ts";

/** The certificate that a host was given last. */
interface HostCertificate {
  /** Hex. */
  readonly serial: string;
  /** SHA-256 of its public key, hex. */
  readonly key: string;
  /** Epoch milliseconds. */
  readonly notAfter: number;
}

/** What a host says it can save: its newest dry run. Bytes. */
export interface HostPrediction {
  readonly diskBytes: number;
  readonly cacheBytes: number;
}

/** All hosts that ever enrolled. */
export interface HostStore {
  /** Makes the host a member with this certificate; false when the name belongs to a member that is not revoked. */
  claim(name: string, labels: Readonly<Record<string, string>>, certificate: HostCertificate, now: number): Promise<boolean>;
  /** Undefined when there is no such host. */
  get(name: string): Promise<HostRecord | undefined>;
  names(): Promise<readonly string[]>;
  /** How many there are. */
  count(): Promise<number>;
  list(): Promise<readonly HostRecord[]>;
  /** How many guests all hosts have together. */
  guestCount(): Promise<number>;
  guests(name: string): Promise<readonly HostGuest[]>;
  change(name: string, change: HostChange): Promise<void>;
  revoke(name: string, now: number): Promise<void>;
  /** Both this and the certificate before it are accepted, until the next one: the agent may not have got this one. */
  setCertificate(name: string, certificate: HostCertificate): Promise<void>;
  setFacts(name: string, facts: HostFacts | null, clockOffsetMs: number): Promise<void>;
  setGuests(name: string, guests: readonly HostGuest[]): Promise<void>;
  setPrediction(name: string, prediction: HostPrediction): Promise<void>;
}

/** KEYS: host. ARGV: now, serial, key, notAfter, labels as name, value, … */
const claimScript = script(`
if redis.call("HEXISTS", KEYS[1], "enrolledAt") == 1 and redis.call("HEXISTS", KEYS[1], "revokedAt") == 0 then return 0 end
redis.call("DEL", KEYS[1])
redis.call("HSET", KEYS[1], "enrolledAt", ARGV[1], "serial", ARGV[2], "key", ARGV[3], "notAfter", ARGV[4])
for i = 5, #ARGV, 2 do redis.call("HSET", KEYS[1], "label:" .. ARGV[i], ARGV[i + 1]) end
return 1`);

/** KEYS: host. ARGV: serial, key, notAfter. */
const certificateScript = script(`
local before = redis.call("HGET", KEYS[1], "serial")
redis.call("HSET", KEYS[1], "previousSerial", before or "", "serial", ARGV[1], "key", ARGV[2], "notAfter", ARGV[3])`);

export function createHostStore(store: RedisClient): HostStore {
  const get = async (name: string) => parseHostRecord(name, await store.hgetall(keys.host(name)));
  const names = async () => (await store.smembers(keys.hosts)).sort();
  return {
    claim: async (name, labels, certificate, now) => {
      const values = [now, certificate.serial, certificate.key, certificate.notAfter, ...Object.entries(labels).flat()];
      if ((await runScript(store, claimScript, [keys.host(name)], values)) !== 1) return false;
      await store.sadd(keys.hosts, name);
      await store.srem(keys.cordoned, name);
      await store.hdel(keys.guestCounts, name);
      return true;
    },
    get,
    names,
    count: async () => store.scard(keys.hosts),
    list: async () => (await Promise.all((await names()).map(get))).filter((host) => host !== undefined),
    guestCount: async () => (await store.hvals(keys.guestCounts)).reduce((sum, count) => sum + Number(count), 0),
    guests: async (name) => {
      const guests: HostGuest[] = JSON.parse((await store.hget(keys.host(name), "guests")) ?? "[]");
      return guests;
    },
    change: async (name, change) => {
      const key = keys.host(name);
      for (const [label, value] of Object.entries(change.labels ?? {})) {
        if (value === null) await store.hdel(key, `label:${label}`);
        else await store.hset(key, `label:${label}`, value);
      }
      if (change.cordoned === true) await store.sadd(keys.cordoned, name);
      if (change.cordoned === false) await store.srem(keys.cordoned, name);
    },
    revoke: async (name, now) => {
      await store.hset(keys.host(name), "revokedAt", now);
    },
    setCertificate: async (name, { serial, key, notAfter }) => {
      await runScript(store, certificateScript, [keys.host(name)], [serial, key, notAfter]);
    },
    setFacts: async (name, facts, clockOffsetMs) => {
      await store.hset(keys.host(name), { facts: JSON.stringify(facts), clockOffsetMs: String(clockOffsetMs) });
    },
    setGuests: async (name, guests) => {
      await store.hset(keys.host(name), { guests: JSON.stringify(guests), guestCount: String(guests.length) });
      await store.hset(keys.guestCounts, name, guests.length);
    },
    setPrediction: async (name, prediction) => {
      await store.hset(keys.host(name), "prediction", JSON.stringify(prediction));
    },
  };
}
