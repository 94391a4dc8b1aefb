import { ALWAYS_OPEN, createCalendar, type HostFacts, type WindowState, windowStates } from "@samepage/fleet";
import { toFacts } from "../rollout/create-rollout.ts";
import type { HostStore } from "../stores/host-store.ts";
import type { WindowStore } from "./window-store.ts";

/** Which hosts may be worked on now. */
export interface WindowCalendar {
  /** The state of each named host's windows; a closing before `since` (epoch milliseconds) does not matter any more. */
  states(names: readonly string[], now: number, since: number): Promise<ReadonlyMap<string, WindowState>>;
}

/** How old labels and zones of hosts may be, milliseconds. Windows and blackouts themselves are read anew every time: a freeze is meant at once. */
const factsAgeMs = 10_000;

export function createWindowCalendar(windows: WindowStore, hosts: HostStore): WindowCalendar {
  let facts: ReadonlyMap<string, HostFacts> = new Map();
  let factsAt = Number.NEGATIVE_INFINITY;
  const freshFacts = async () => {
    const now = performance.now();
    if (now - factsAt > factsAgeMs) {
      facts = new Map((await hosts.list()).map((record) => [record.name, toFacts(record)]));
      factsAt = now;
    }
    return facts;
  };
  return {
    states: async (names, now, since) => {
      const stored = await windows.list();
      if (stored.windows.length === 0 && stored.blackouts.length === 0) return new Map(names.map((name) => [name, ALWAYS_OPEN]));
      const known = await freshFacts();
      const members = names.map((name) => known.get(name)).filter((host) => host !== undefined);
      return windowStates(createCalendar(stored.windows, stored.blackouts), members, now, since);
    },
  };
}
