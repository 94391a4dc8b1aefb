import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { DiscoveryContext, FoundGuest, GuestProvider } from "./guest-provider.ts";
import { readLxcSockets } from "./lxc-sockets.ts";
import { isRealDirectory, realDirectories, resolveDirectory } from "./real-directories.ts";

const base = "/var/lib/lxc";

/** Containers of classic LXC: `/var/lib/lxc/<name>` with its `config`. */
export const lxc: GuestProvider = {
  name: "lxc",
  discover: async (context) => {
    const sockets = await readLxcSockets(context.root);
    const guests: FoundGuest[] = [];
    for (const name of await realDirectories(join(context.root, base), context)) {
      const found = await rootOf(name, context);
      if (found === undefined) continue;
      const running = sockets.has(`${base}/${name}/command`) || (await context.isProcessRoot(found.path));
      guests.push({ name: `lxc/${name}`, provider: "lxc", ...found, state: running ? "running" : "stopped" });
    }
    return guests;
  },
};

/** What the container's config says, else its `rootfs` directory. */
async function rootOf(name: string, context: DiscoveryContext): Promise<Pick<FoundGuest, "path" | "memoryOnly"> | undefined> {
  const directory = join(context.root, base, name);
  const config = await readFile(join(directory, "config"), "utf8").catch(() => "");
  const configured = config.split("\n").flatMap((line) => {
    // lxc.rootfs is the key's name before LXC 2.1.
    const match = /^\s*lxc\.rootfs(?:\.path)?\s*=\s*(?<value>.*?)\s*$/u.exec(line);
    return match?.groups?.["value"] === undefined ? [] : [match.groups["value"]];
  });
  const value = configured.at(-1);
  if (value === undefined) {
    const usual = join(directory, "rootfs");
    return (await isRealDirectory(usual)) ? { path: usual } : undefined;
  }
  // `dir:/path` or a plain path is a directory; overlay:, lvm:, zfs:, loop: … are mounted only while the container runs.
  const path = /^(?:dir:)?(?<path>\/.*)$/u.exec(value)?.groups?.["path"];
  if (path === undefined) return { path: directory, memoryOnly: `its root is no plain directory (${value.slice(0, 200)})` };
  const resolved = await resolveDirectory(path, context);
  if (resolved !== undefined) return { path: resolved };
  context.skipped(directory, `its root ${path} is not a directory of this host`);
  return undefined;
}
