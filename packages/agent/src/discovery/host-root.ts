import { join } from "node:path";
import type { HostTree } from "@samepage/unify";
import type { DiscoveryContext, GuestProvider } from "./guest-provider.ts";

/** Where data lies, or managers of containers keep what is not the host's own, whether or not Samepage knows their guests. */
const homesOfGuests = ["/home", "/media", "/mnt", "/srv", "/var/lib/lxc", "/var/lib/lxd", "/var/snap/lxd", "/var/lib/incus", "/var/lib/machines", "/var/lib/docker", "/var/lib/containers", "/vz", "/vservers"];

/** Samepage's own, where agent and controller keep them unless told otherwise. */
const stateDirectories = ["/var/lib/samepage", "/var/lib/samepage-controller"];

/**
 * What of the host's own tree is not the host's: the roots of all its guests, those that are never touched or of kinds that
 * are not looked for too, where guests come to lie, and state.
 * @param directories patterns of directories that are guests
 * @param stateDir where the caller keeps its state; not below the context's root
 */
export async function readHostTree(directories: readonly string[], providers: readonly GuestProvider[], stateDir: string, context: DiscoveryContext): Promise<HostTree> {
  const found = await Promise.all(providers.map(async (provider) => provider.discover(context)));
  const places = [...homesOfGuests, ...stateDirectories, ...directories.map(homeOf).filter((home) => home !== "/")];
  return { leftOut: [...new Set([...found.flat().map(({ path }) => path), ...places.map((path) => join(context.root, "/", path)), stateDir])].sort() };
}

/** The part before the first pattern: a guest that is made there while the host is scanned must not be taken for the host's. */
function homeOf(pattern: string): string {
  const parts = pattern.split("/");
  const first = parts.findIndex((part) => /[*?]/u.test(part));
  return first < 0 ? pattern : `/${parts.slice(1, first).join("/")}`;
}
