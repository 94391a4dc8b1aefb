import type { Blackout, MaintenanceWindow } from "@samepage/fleet";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";

/** Every window and blackout, by name. */
interface StoredCalendar {
  readonly windows: readonly MaintenanceWindow[];
  readonly blackouts: readonly Blackout[];
}

/** Maintenance windows and blackouts. What is put in here is checked before. */
export interface WindowStore {
  list(): Promise<StoredCalendar>;
  putWindow(window: MaintenanceWindow): Promise<void>;
  putBlackout(blackout: Blackout): Promise<void>;
  /** False where there is none of that name. */
  remove(kind: "window" | "blackout", name: string): Promise<boolean>;
}

export function createWindowStore(store: RedisClient): WindowStore {
  return {
    list: async () => {
      const [windows, blackouts] = await Promise.all([store.hgetall(keys.windows), store.hgetall(keys.blackouts)]);
      return {
        windows: byName(Object.values(windows).map((text): MaintenanceWindow => JSON.parse(text))),
        blackouts: byName(Object.values(blackouts).map((text): Blackout => JSON.parse(text))),
      };
    },
    putWindow: async (window) => {
      await store.hset(keys.windows, window.name, JSON.stringify(window));
    },
    putBlackout: async (blackout) => {
      await store.hset(keys.blackouts, blackout.name, JSON.stringify(blackout));
    },
    remove: async (kind, name) => (await store.hdel(kind === "window" ? keys.windows : keys.blackouts, name)) === 1,
  };
}

function byName<T extends { readonly name: string }>(rules: readonly T[]): T[] {
  return rules.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
