import { join } from "node:path";
import { containerOfProcess, guestByNamespace, type GuestOf } from "@samepage/ksm";
import { directoryIdentity } from "@samepage/linux";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";

/** Whose control groups are named like LXC's. */
const managers: Readonly<Record<string, string>> = { lxc: "lxc", incus: "lxc", nspawn: "nspawn" };

/**
 * Which of the host's guests a process belongs to: the container of its control group, which holds whatever its root is
 * made of (overlay, a snapshot, a loop device), else the guest that has its root directory. Processes of no guest are
 * named as the ledger names them by itself.
 */
export function guestOfProcess(proc: string, guests: readonly DiscoveredGuest[]): GuestOf {
  const byContainer = new Map<string, string>();
  const byRoot = new Map<string, string>();
  for (const { name, provider, path } of guests) {
    const manager = managers[provider];
    if (manager !== undefined) byContainer.set(`${manager}/${name.slice(name.lastIndexOf("/") + 1)}`, name);
    const root = directoryIdentity(path);
    if (root !== undefined) byRoot.set(root, name);
  }
  const otherwise = guestByNamespace(proc);
  return (pid) => {
    const container = containerOfProcess(proc, pid);
    const contained = container === undefined ? undefined : byContainer.get(`${container.manager}/${container.name}`);
    if (contained !== undefined) return contained;
    const root = directoryIdentity(join(proc, String(pid), "root"));
    return (root === undefined ? undefined : byRoot.get(root)) ?? otherwise(pid);
  };
}
