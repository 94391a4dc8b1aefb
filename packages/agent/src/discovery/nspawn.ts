import { join } from "node:path";
import type { FoundGuest, GuestProvider } from "./guest-provider.ts";
import { existsOnHost, realDirectories } from "./real-directories.ts";

const base = "/var/lib/machines";

/** Trees of systemd-nspawn: `/var/lib/machines/<name>`; raw images are not trees. */
export const nspawn: GuestProvider = {
  name: "nspawn",
  discover: async (context) => {
    const guests: FoundGuest[] = [];
    for (const name of await realDirectories(join(context.root, base), context)) {
      // machined's own files, e.g. .#name.lck or a download that is not finished.
      if (name.startsWith(".")) continue;
      const path = join(context.root, base, name);
      // Registered with machined, or locked by systemd-nspawn itself (which removes the lock when it ends).
      const signs = [join(context.root, "/run/systemd/machines", name), join(context.root, base, `.#${name}.lck`)];
      const seen = await Promise.all(signs.map(existsOnHost));
      const running = seen.includes(true) || (await context.isProcessRoot(path));
      guests.push({ name: `nspawn/${name}`, provider: "nspawn", path, state: running ? "running" : "stopped" });
    }
    return guests;
  },
};
