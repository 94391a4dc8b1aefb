import { once } from "node:events";
import { Cluster, Redis, type RedisOptions } from "ioredis";
import type { Logger } from "pino";
import { ControllerError } from "../api/controller-error.ts";
import { messageOf } from "../thrown.ts";
import { parseRedisAddress, type RedisAddress } from "./parse-redis-address.ts";

export type RedisClient = Redis | Cluster;

/**
 * `store`: commands fail at once while Redis is away, so that nobody waits on a decision that cannot be kept.
 * `queue`: waits for Redis for ever, as BullMQ's workers need, and so do subscriptions.
 */
export type RedisUse = "store" | "queue";

/** Milliseconds to establish a connection. */
const connectTimeoutMs = 5000;

/** Milliseconds for Redis to answer a `store` command, the longest of which takes some ten: whoever asked hears that it does not. */
const commandTimeoutMs = 10_000;

/**
 * Milliseconds of silence after which a connection with unanswered commands is given up and made anew: a machine that vanished
 * closes nothing. Longer than anything waits in Redis itself (10 s, of BullMQ's workers).
 */
const silenceMs = 20_000;

/** Between tries to connect again; random, so that many controllers do not come back at once. */
const reconnectDelay = (attempt: number): number => Math.random() * Math.min(2000, 100 * attempt) + 20;

/**
 * A connected client.
 * @throws ControllerError `redis-unreachable` when it cannot connect.
 */
export async function connectRedis(text: string, use: RedisUse, logger: Logger): Promise<RedisClient> {
  const client = create(parseRedisAddress(text), use);
  // Redis being away is seen by every caller of a command; here it is only told once per loss.
  let lost = false;
  client.on("error", (error: Error) => {
    if (!lost) logger.warn({ err: error }, "Redis connection lost; trying again");
    lost = true;
  });
  client.on("ready", () => {
    if (lost) logger.info("Redis connection is back");
    lost = false;
  });
  try {
    await client.connect();
    if (client.status !== "ready") await once(client, "ready");
  } catch (cause) {
    client.disconnect();
    throw new ControllerError("redis-unreachable", `Redis at ${withoutPassword(text)} does not answer: ${messageOf(cause)}`, {
      hint: "is redis-server running, and is the address right? (Debian: apt-get install redis-server)",
      cause,
    });
  }
  return client;
}

function create(address: RedisAddress, use: RedisUse): RedisClient {
  // In a cluster these are of each connection, the others of all together.
  const connection = {
    connectTimeout: connectTimeoutMs,
    maxRetriesPerRequest: use === "queue" ? null : 1,
    socketTimeout: silenceMs,
    ...(use === "store" ? { commandTimeout: commandTimeoutMs } : {}),
  } satisfies RedisOptions;
  const options = {
    ...connection,
    lazyConnect: true,
    retryStrategy: reconnectDelay,
    enableOfflineQueue: use === "queue",
    // Many small commands of one turn of the event loop travel as one; in a cluster, one per slot.
    enableAutoPipelining: use === "store",
  } satisfies RedisOptions;
  if (address.kind === "socket") return new Redis({ ...options, path: address.path });
  if (address.kind === "standalone") return new Redis(address.url, options);
  if (address.kind === "sentinel") return new Redis({ ...options, sentinels: [...address.nodes], name: address.master, ...password(address.password) });
  return new Cluster([...address.nodes], {
    lazyConnect: true,
    clusterRetryStrategy: reconnectDelay,
    enableOfflineQueue: use === "queue",
    enableAutoPipelining: use === "store",
    redisOptions: { ...connection, ...password(address.password) },
  });
}

function password(value: string | undefined): { password?: string } {
  return value === undefined ? {} : { password: value };
}

function withoutPassword(address: string): string {
  return address.replace(/\/\/[^@/]*@/u, "//");
}
