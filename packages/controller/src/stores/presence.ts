import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { runScript, script } from "../redis/script.ts";

/**
 * Where each host's stream is. An entry counts only while its controller is alive (a key of its own with a time to live),
 * so that ten thousand streams cost nothing while nothing happens, and a controller that dies takes its entries with it.
 */
export interface Presence {
  /** Says that the host's stream is here; the answer is where it was before, if on another live stream. */
  enter(host: string, stream: string, now: number): Promise<StreamPlace | undefined>;
  /** Takes the entry back, unless a newer stream has replaced it. */
  leave(host: string, stream: string, now: number): Promise<void>;
  /** Undefined when the host is offline. */
  find(host: string): Promise<StreamPlace | undefined>;
  /** All hosts that are online. */
  online(): Promise<ReadonlySet<string>>;
  /** When each host was last heard of, epoch milliseconds; for those online it is now. */
  seen(now: number): Promise<ReadonlyMap<string, number>>;
  /** Both of these hosts only: in a fleet of ten thousand, a rollout over ten reads ten. */
  of(hosts: readonly string[], now: number): Promise<ReadonlyMap<string, HostPresence>>;
  close(): Promise<void>;
}

interface HostPresence {
  readonly online: boolean;
  /** Epoch milliseconds; 0 when never. */
  readonly lastSeenAt: number;
}

interface StreamPlace {
  readonly controller: string;
  readonly stream: string;
}

/** A controller that has not said for this long that it lives counts as dead: three missed beats. */
const aliveSeconds = 15;
const beatMs = (aliveSeconds * 1000) / 3;

/** KEYS: online, seen. ARGV: host, place, now. */
const leaveScript = script(`
if redis.call("HGET", KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call("HDEL", KEYS[1], ARGV[1])
redis.call("HSET", KEYS[2], ARGV[1], ARGV[3])
return 1`);

export async function createPresence(store: RedisClient, controller: string, logger: Logger): Promise<Presence> {
  const closing = new AbortController();
  const beat = async () => {
    await store.sadd(keys.controllers, controller);
    await store.set(keys.controller(controller), Date.now(), "EX", aliveSeconds);
  };
  await beat();
  const beating = (async () => {
    for (;;) {
      await sleep(beatMs, undefined, { signal: closing.signal }).catch(() => {});
      if (closing.signal.aborted) return;
      await beat().catch((error: unknown) => logger.warn({ err: error }, "cannot say that this controller is alive"));
    }
  })();

  const alive = async (): Promise<ReadonlySet<string>> => {
    const ids = await store.smembers(keys.controllers);
    const checked = await Promise.all(ids.map(async (id) => ((await store.exists(keys.controller(id))) === 1 ? id : undefined)));
    return new Set(checked.filter((id) => id !== undefined));
  };
  const online = async () => {
    const [places, controllers] = await Promise.all([store.hgetall(keys.online), alive()]);
    return new Set(Object.entries(places).flatMap(([host, place]) => (controllers.has(parsePlace(place).controller) ? [host] : [])));
  };
  const find = async (host: string) => {
    const text = await store.hget(keys.online, host);
    if (text === null) return undefined;
    const place = parsePlace(text);
    return (await store.exists(keys.controller(place.controller))) === 1 ? place : undefined;
  };

  return {
    enter: async (host, stream, now) => {
      const before = await find(host);
      await store.hset(keys.online, host, `${controller}/${stream}`);
      await store.hset(keys.seen, host, now);
      return before;
    },
    leave: async (host, stream, now) => {
      await runScript(store, leaveScript, [keys.online, keys.seen], [host, `${controller}/${stream}`, now]);
    },
    find,
    online,
    seen: async (now) => {
      const [last, here] = await Promise.all([store.hgetall(keys.seen), online()]);
      return new Map(Object.entries(last).map(([host, at]) => [host, here.has(host) ? now : Number(at)]));
    },
    of: async (hosts, now) => {
      if (hosts.length === 0) return new Map();
      const [places, last, controllers] = await Promise.all([store.hmget(keys.online, ...hosts), store.hmget(keys.seen, ...hosts), alive()]);
      return new Map(
        hosts.map((host, index) => {
          const place = places[index] ?? null;
          const isOnline = place !== null && controllers.has(parsePlace(place).controller);
          return [host, { online: isOnline, lastSeenAt: isOnline ? now : Number(last[index] ?? 0) }];
        }),
      );
    },
    close: async () => {
      closing.abort();
      await beating;
      await store.del(keys.controller(controller));
      await store.srem(keys.controllers, controller);
    },
  };
}

function parsePlace(text: string): StreamPlace {
  const [controller = "", stream = ""] = text.split("/");
  return { controller, stream };
}
