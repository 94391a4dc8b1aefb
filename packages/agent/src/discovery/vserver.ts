import { join } from "node:path";
import type { FoundGuest, GuestProvider } from "./guest-provider.ts";
import { existsOnHost, realDirectories } from "./real-directories.ts";

/** util-vserver's default, and Debian's. */
const bases = ["/vservers", "/var/lib/vservers"] as const;

/** Guests of Linux-VServer: `/vservers/<name>`. util-vserver keeps `/var/run/vservers/<name>` while one runs. */
export const vserver: GuestProvider = {
  name: "vserver",
  discover: async (context) => {
    const guests = new Map<string, FoundGuest>();
    for (const base of bases) {
      for (const name of await realDirectories(join(context.root, base), context)) {
        // vunify's own directories begin with a dot, and mkfs leaves lost+found.
        if (name.startsWith(".") || name === "lost+found" || guests.has(name)) continue;
        const path = join(context.root, base, name);
        const runs = (await existsOnHost(join(context.root, "/var/run/vservers", name))) || (await context.isProcessRoot(path));
        const managed = await existsOnHost(join(context.root, "/etc/vservers", name));
        guests.set(name, { name: `vserver/${name}`, provider: "vserver", path, state: runs ? "running" : managed ? "stopped" : "unknown" });
      }
    }
    return [...guests.values()];
  },
};
