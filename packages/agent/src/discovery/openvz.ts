import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { FoundGuest, GuestProvider } from "./guest-provider.ts";
import { existsOnHost, isRealDirectory, realDirectories } from "./real-directories.ts";

const base = "/vz/private";

/** Containers of OpenVZ with the simfs layout: `/vz/private/<id>`, from version 7 on `/vz/private/<id>/fs`. ploop images are not trees. */
export const openvz: GuestProvider = {
  name: "openvz",
  discover: async (context) => {
    const table = await readFile(join(context.root, "/proc/vz/veinfo"), "utf8").catch(() => undefined);
    const running = table === undefined ? undefined : new Set(table.split("\n").map((line) => line.trim().split(/\s+/u)[0]));
    const guests: FoundGuest[] = [];
    for (const id of await realDirectories(join(context.root, base), context)) {
      const directory = join(context.root, base, id);
      if (await existsOnHost(join(directory, "root.hdd"))) {
        context.skipped(directory, "a ploop image, not a tree");
        continue;
      }
      const inner = join(directory, "fs");
      const path = (await isRealDirectory(inner)) && !(await isRealDirectory(join(directory, "etc"))) ? inner : directory;
      const known = running === undefined ? "unknown" : running.has(id) ? "running" : "stopped";
      guests.push({ name: `openvz/${id}`, provider: "openvz", path, state: (await context.isProcessRoot(path)) ? "running" : known });
    }
    return guests;
  },
};
