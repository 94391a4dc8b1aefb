import { globToRegExp } from "@samepage/fleet";
import type { Guest, HostTree } from "@samepage/unify";
import type { AgentConfig, ProviderName } from "../config/agent-config.ts";
import { directories } from "./directories.ts";
import { readHostTree } from "./host-root.ts";
import type { FoundGuest, GuestProvider } from "./guest-provider.ts";
import { incus } from "./incus.ts";
import { lxc } from "./lxc.ts";
import { nspawn } from "./nspawn.ts";
import { openvz } from "./openvz.ts";
import { readProcessRoots } from "./process-roots.ts";
import { vserver } from "./vserver.ts";

/** A guest with its domain and where it was found. */
export interface DiscoveredGuest extends Guest {
  readonly provider: string;
  readonly memoryOnly?: string;
}

const providers: Record<ProviderName, GuestProvider> = { lxc, incus, nspawn, openvz, vserver };

/** Domain of guests that no rule names. */
export const defaultDomain = "default";

/** The name of the host's own root among the guests. */
const hostName = "host";

/**
 * The guests of this host that have a tree to unify, sorted by name; among them the host's own root where agent.yaml says so.
 * @param root what stands before every absolute path; `""` on a real host.
 * @param stateDir where this host's agent keeps its state
 */
export async function discoverGuests(config: AgentConfig["guests"], root: string, skipped: (path: string, reason: string) => void, stateDir: string): Promise<readonly DiscoveredGuest[]> {
  const guests = (await discoverAllGuests(config, root, skipped)).filter(({ path, memoryOnly }) => {
    if (memoryOnly !== undefined) skipped(path, memoryOnly);
    return memoryOnly === undefined;
  });
  if (config.host === undefined || config.exclude.some((pattern) => globToRegExp(pattern).test(hostName))) return guests;
  const host: DiscoveredGuest = { name: hostName, provider: hostName, path: root === "" ? "/" : root, domain: config.host.domain, state: "running", host: await hostTree(config.directories, root, stateDir) };
  return [...guests, host].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

/** The host's own root shares files and nothing else: it has no template, and nothing is put into it or sent from it. */
export function withoutHost(guests: readonly DiscoveredGuest[]): readonly DiscoveredGuest[] {
  return guests.filter(({ host }) => host === undefined);
}

/** What of the host's own tree takes no part when it is a guest. @param patterns of directories that are guests */
export async function hostTree(patterns: readonly string[], root: string, stateDir: string): Promise<HostTree> {
  return readHostTree(patterns, [...Object.values(providers), directories(patterns)], stateDir, { root, isProcessRoot: async () => false, skipped: () => {} });
}

/**
 * All guests of this host, those that only have memory to share too, sorted by name. Runs nothing of theirs and follows
 * no link of theirs.
 * @param root what stands before every absolute path; `""` on a real host.
 */
export async function discoverAllGuests(config: AgentConfig["guests"], root: string, skipped: (path: string, reason: string) => void): Promise<readonly DiscoveredGuest[]> {
  const context = { root, isProcessRoot: await readProcessRoots(root), skipped };
  const found: FoundGuest[] = [];
  for (const provider of [...config.providers.map((name) => providers[name]), directories(config.directories)]) {
    found.push(...(await provider.discover(context)));
  }
  const excluded = config.exclude.map(globToRegExp);
  const domains = config.domains.map(({ match, domain }) => ({ matches: globToRegExp(match), domain }));
  const byPath = new Map<string, DiscoveredGuest>();
  for (const guest of found) {
    if (excluded.some((pattern) => pattern.test(guest.name))) continue;
    // A directory pattern may name what a provider has found already: the provider knows more.
    if (byPath.has(guest.path)) continue;
    byPath.set(guest.path, { ...guest, domain: domains.find(({ matches }) => matches.test(guest.name))?.domain ?? defaultDomain });
  }
  return [...byPath.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
