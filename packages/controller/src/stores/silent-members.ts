import type { HostStore } from "./host-store.ts";
import type { Presence } from "./presence.ts";

/** Names of the members that have not been heard of since a time, epoch milliseconds; those that are online have. */
export async function silentMembers(hosts: HostStore, presence: Presence, since: number): Promise<readonly string[]> {
  const [members, seen] = await Promise.all([hosts.list(), presence.seen(Date.now())]);
  return members.filter(({ name, revokedAt }) => revokedAt === null && (seen.get(name) ?? 0) < since).map(({ name }) => name);
}
