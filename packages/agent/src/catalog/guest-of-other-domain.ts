import { realpathSync } from "node:fs";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";

/**
 * A guest of another domain that a tree lies in, or that lies in the tree, by their real paths; undefined where there is none.
 * Such a tree must never be a template of the domain: its digests, and with them its content, would cross over.
 */
export function guestOfOtherDomain(tree: string, domain: string, guests: readonly DiscoveredGuest[]): DiscoveredGuest | undefined {
  const place = realPath(tree);
  return guests.find((guest) => {
    // The host's own root holds every tree; what it shares is agent.yaml's to say.
    if (guest.domain === domain || guest.host !== undefined) return false;
    const root = realPath(guest.path);
    return `${place}/`.startsWith(`${root}/`) || `${root}/`.startsWith(place === "/" ? "/" : `${place}/`);
  });
}

/** The path itself where it cannot be resolved: what reads the tree says then why. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
