import { join } from "node:path";
import type { FoundGuest, GuestProvider } from "./guest-provider.ts";
import { readLxcSockets } from "./lxc-sockets.ts";
import { isRealDirectory, realDirectories } from "./real-directories.ts";

/** Where Incus, LXD from Debian and LXD from snap keep their state. */
const bases = ["/var/lib/incus", "/var/lib/lxd", "/var/snap/lxd/common/lxd"] as const;

/**
 * Containers in storage pools that are directories or btrfs: `storage-pools/<pool>/containers/<name>/rootfs`.
 * Those of a project other than the default one are called `<project>_<name>` there.
 */
export const incus: GuestProvider = {
  name: "incus",
  discover: async (context) => {
    const sockets = await readLxcSockets(context.root);
    const guests: FoundGuest[] = [];
    for (const base of bases) {
      const pools = join(context.root, base, "storage-pools");
      for (const pool of await realDirectories(pools, context)) {
        const containers = join(pools, pool, "containers");
        for (const name of await realDirectories(containers, context)) {
          const path = join(containers, name, "rootfs");
          // Pools of other kinds are mounted only while the container runs.
          if (!(await isRealDirectory(path))) continue;
          const running = sockets.has(`${base}/containers/${name}/command`) || (await context.isProcessRoot(path));
          guests.push({ name: `incus/${pool}/${name}`, provider: "incus", path, state: running ? "running" : "stopped" });
        }
      }
    }
    return guests;
  },
};
