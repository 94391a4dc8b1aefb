import type { Guest } from "@samepage/unify";
import type { AgentConfig, ProviderName } from "../config/agent-config.ts";
import { namePattern } from "../name-pattern.ts";
import { directories } from "./directories.ts";
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
const defaultDomain = "default";

/** The guests of this host that have a tree to unify, sorted by name. @param root what stands before every absolute path; `""` on a real host. */
export async function discoverGuests(config: AgentConfig["guests"], root: string, skipped: (path: string, reason: string) => void): Promise<readonly DiscoveredGuest[]> {
  return (await discoverAllGuests(config, root, skipped)).filter(({ path, memoryOnly }) => {
    if (memoryOnly !== undefined) skipped(path, memoryOnly);
    return memoryOnly === undefined;
  });
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
  const excluded = config.exclude.map(namePattern);
  const domains = config.domains.map(({ match, domain }) => ({ matches: namePattern(match), domain }));
  const byPath = new Map<string, DiscoveredGuest>();
  for (const guest of found) {
    if (excluded.some((pattern) => pattern.test(guest.name))) continue;
    // A directory pattern may name what a provider has found already: the provider knows more.
    if (byPath.has(guest.path)) continue;
    byPath.set(guest.path, { ...guest, domain: domains.find(({ matches }) => matches.test(guest.name))?.domain ?? defaultDomain });
  }
  return [...byPath.values()].toSorted((a, b) => (a.name < b.name ? -1 : 1));
}
