import type { FleetSummaryView } from "./api/fleet-summary-view.ts";
import type { GuestView, HostChange, HostView } from "./api/host-view.ts";
import type { RedisClient } from "./redis/connect-redis.ts";
import { keys } from "./redis/keys.ts";
import type { HostRecord } from "./stores/host-record.ts";
import type { HostStore } from "./stores/host-store.ts";
import type { Presence } from "./stores/presence.ts";

/** Part of a list sorted by host name. */
export interface PageRequest {
  /** Begins after the host of this name; default at the first. */
  readonly after?: string | undefined;
  /** Entries at most, from 1; default all. */
  readonly limit?: number | undefined;
}

/** Hosts as operators see them: what is stored, whether they are online, and what works on them. */
export interface Fleet {
  /** Those that a selector chooses, all without one, sorted by name. `next`: where the next page begins `after`; null at the end. */
  hosts(selector?: string, page?: PageRequest): Promise<{ readonly hosts: readonly HostView[]; readonly next: string | null }>;
  host(name: string): Promise<HostView | undefined>;
  /** Costs a few commands, however many hosts there are. */
  summary(): Promise<FleetSummaryView>;
  /** Of one host, or of all. All guests of a host are on one page, so a page may be larger than its limit. */
  guests(host?: string, page?: PageRequest): Promise<{ readonly guests: readonly GuestView[]; readonly next: string | null }>;
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

/** Hosts whose guests are read at once: a page of guests goes beyond its limit by those of so many at most. */
const hostsAtOnce = 100;

export function createFleet({ store, hosts, presence, select }: FleetDeps): Fleet {
  const view = async (records: readonly HostRecord[]): Promise<HostView[]> => {
    if (records.length === 0) return [];
    const names = records.map(({ name }) => name);
    const [present, cordoned, locks] = await Promise.all([presence.of(names, Date.now()), store.smismember(keys.cordoned, ...names), store.hmget(keys.hostLocks, ...names)]);
    return records.map((host, index) => {
      const { online = false, lastSeenAt = 0 } = present.get(host.name) ?? {};
      return {
        name: host.name,
        labels: host.labels,
        state: host.revokedAt !== null ? "revoked" : online ? "online" : "offline",
        cordoned: cordoned[index] === 1,
        enrolledAt: iso(host.enrolledAt),
        lastSeenAt: lastSeenAt === 0 ? null : iso(lastSeenAt),
        certificateExpiresAt: iso(host.notAfter),
        clockOffsetMs: host.clockOffsetMs,
        facts: host.facts,
        guestCount: host.guestCount,
        rollout: locks[index] ?? null,
      };
    });
  };
  return {
    hosts: async (selector, page = {}) => {
      if (selector !== undefined) {
        const { items, next } = pageOf(select(selector, await hosts.list()), ({ name }) => name, page);
        return { hosts: await view(items), next };
      }
      const { items, next } = pageOf(await hosts.names(), (name) => name, page);
      const records = await Promise.all(items.map(async (name) => hosts.get(name)));
      return { hosts: await view(records.filter((record) => record !== undefined)), next };
    },
    host: async (name) => {
      const record = await hosts.get(name);
      return record === undefined ? undefined : (await view([record]))[0];
    },
    summary: async () => {
      const [count, online, cordoned, guests] = await Promise.all([hosts.count(), presence.online(), store.scard(keys.cordoned), hosts.guestCount()]);
      return { hosts: count, online: online.size, cordoned, guests };
    },
    guests: async (host, { after, limit = Number.POSITIVE_INFINITY } = {}) => {
      const names = host === undefined ? await hosts.names() : [host];
      const guests: GuestView[] = [];
      let from = after;
      for (;;) {
        const { items, next } = pageOf(names, (name) => name, { after: from, limit: Math.min(limit, hostsAtOnce) });
        const lists = await Promise.all(items.map(async (name) => (await hosts.guests(name)).map((guest) => Object.assign({ host: name }, guest))));
        guests.push(...lists.flat());
        if (next === null || guests.length >= limit) return { guests, next };
        from = next;
      }
    },
    change: async (name, change) => hosts.change(name, change),
    revoke: async (name) => hosts.revoke(name, Date.now()),
  };
}

/** The part of a list, sorted by name, that a page holds. */
function pageOf<T>(sorted: readonly T[], nameOf: (item: T) => string, { after, limit = sorted.length }: PageRequest): { readonly items: readonly T[]; readonly next: string | null } {
  const found = after === undefined ? 0 : sorted.findIndex((item) => nameOf(item) > after);
  const first = found < 0 ? sorted.length : found;
  const items = sorted.slice(first, first + limit);
  const last = items.at(-1);
  return { items, next: last === undefined || first + limit >= sorted.length ? null : nameOf(last) };
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
