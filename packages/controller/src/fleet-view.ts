import type { GuestView, HostChange, HostView } from "./api/host-view.ts";
import type { RedisClient } from "./redis/connect-redis.ts";
import { keys } from "./redis/keys.ts";
import type { HostRecord } from "./stores/host-record.ts";
import type { HostStore } from "./stores/host-store.ts";
import type { Presence } from "./stores/presence.ts";

/** Hosts as operators see them: what is stored, whether they are online, and what works on them. */
export interface Fleet {
  /** Those that a selector chooses; all without one. Sorted by name. */
  hosts(selector?: string): Promise<readonly HostView[]>;
  host(name: string): Promise<HostView | undefined>;
  /** Of one host, or of all. */
  guests(host?: string): Promise<readonly GuestView[]>;
  change(name: string, change: HostChange): Promise<void>;
  revoke(name: string): Promise<void>;
}

export interface FleetDeps {
  readonly store: RedisClient;
  readonly hosts: HostStore;
  readonly presence: Presence;
  /** @throws ControllerError `invalid` for a selector that cannot be read. */
  readonly select: (selector: string, hosts: readonly HostRecord[]) => readonly HostRecord[];
}

export function createFleet({ store, hosts, presence, select }: FleetDeps): Fleet {
  const view = async (records: readonly HostRecord[]): Promise<HostView[]> => {
    const now = Date.now();
    const [online, seen, cordoned, locks] = await Promise.all([presence.online(), presence.seen(now), store.smembers(keys.cordoned), store.hgetall(keys.hostLocks)]);
    const isCordoned = new Set(cordoned);
    return records.map((host) => ({
      name: host.name,
      labels: host.labels,
      state: host.revokedAt !== null ? "revoked" : online.has(host.name) ? "online" : "offline",
      cordoned: isCordoned.has(host.name),
      enrolledAt: iso(host.enrolledAt),
      lastSeenAt: seen.has(host.name) ? iso(seen.get(host.name) ?? 0) : null,
      certificateExpiresAt: iso(host.notAfter),
      clockOffsetMs: host.clockOffsetMs,
      facts: host.facts,
      guestCount: host.guestCount,
      rollout: locks[host.name] ?? null,
    }));
  };
  return {
    hosts: async (selector) => {
      const all = await hosts.list();
      return view(selector === undefined ? all : select(selector, all));
    },
    host: async (name) => {
      const record = await hosts.get(name);
      return record === undefined ? undefined : (await view([record]))[0];
    },
    guests: async (host) => {
      const names = host === undefined ? await hosts.names() : [host];
      const lists = await Promise.all(names.map(async (name) => (await hosts.guests(name)).map((guest) => Object.assign({ host: name }, guest))));
      return lists.flat();
    },
    change: async (name, change) => hosts.change(name, change),
    revoke: async (name) => hosts.revoke(name, Date.now()),
  };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
