import type { HostSample } from "@samepage/fleet";
import type { Logger } from "pino";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";

/** What hosts last said about how they are; all controllers see it. */
export interface HealthBoard {
  /** Takes a host's newest sample; it is written with others' within a second. */
  record(host: string, sample: HostSample): void;
  /** The newest samples of those of the hosts that have one. */
  read(hosts: readonly string[]): Promise<ReadonlyMap<string, HostSample>>;
  /** Writes what is left. */
  close(): Promise<void>;
}

/** Samples of one second are one command: ten thousand hosts with a heartbeat each 30 s are 333 a second. */
const writeMs = 1000;

/** Fields in one command, so that none blocks Redis for long. */
const page = 1000;

export function createHealthBoard(store: RedisClient, logger: Logger): HealthBoard {
  let waiting = new Map<string, string>();
  let timer: NodeJS.Timeout | undefined;
  const write = async () => {
    timer = undefined;
    const entries = [...waiting];
    waiting = new Map();
    for (let first = 0; first < entries.length; first += page) await store.hset(keys.health, Object.fromEntries(entries.slice(first, first + page)));
  };
  // The next heartbeat says it again.
  const writeSoon = () => void write().catch((error: unknown) => logger.debug({ err: error }, "hosts' health not kept"));
  return {
    record: (host, sample) => {
      waiting.set(host, JSON.stringify(sample));
      timer ??= setTimeout(writeSoon, writeMs);
    },
    read: async (hosts) => {
      const found = new Map<string, HostSample>();
      for (let first = 0; first < hosts.length; first += page) {
        const names = hosts.slice(first, first + page);
        const texts = await store.hmget(keys.health, ...names);
        for (const [index, name] of names.entries()) {
          const text = texts[index];
          if (typeof text !== "string") continue;
          const sample: HostSample = JSON.parse(text);
          found.set(name, sample);
        }
      }
      return found;
    },
    close: async () => {
      clearTimeout(timer);
      await write();
    },
  };
}
