import { join } from "node:path";
import { globToRegExp } from "@samepage/fleet";
import type { DiscoveryContext, FoundGuest, GuestProvider } from "./guest-provider.ts";
import { isRealDirectory, realDirectories } from "./real-directories.ts";

/** Directories that agent.yaml names by patterns. Nobody says whether such a guest runs, so it is only known when a process has it as its root. */
export function directories(patterns: readonly string[]): GuestProvider {
  return {
    name: "dir",
    discover: async (context) => {
      const guests = new Map<string, FoundGuest>();
      for (const pattern of patterns) {
        for (const path of await expand(pattern, context)) {
          const inside = path.slice(context.root.length);
          guests.set(path, { name: `dir${inside}`, provider: "dir", path, state: (await context.isProcessRoot(path)) ? "running" : "unknown" });
        }
      }
      return [...guests.values()];
    },
  };
}

/** Every real directory that a pattern names; no part of it may be a symbolic link. */
async function expand(pattern: string, context: DiscoveryContext): Promise<readonly string[]> {
  let found: string[] = [context.root];
  for (const part of pattern.split("/").filter((name) => name !== "")) {
    const next: string[] = [];
    for (const path of found) {
      if (/[*?]/u.test(part)) {
        const matches = globToRegExp(part);
        // As in a shell, a pattern does not name hidden directories unless it begins with a dot itself.
        const names = (await realDirectories(path === "" ? "/" : path, context)).filter((name) => matches.test(name) && (part.startsWith(".") || !name.startsWith(".")));
        next.push(...names.map((name) => join(path, "/", name)));
      } else if (await isRealDirectory(join(path, "/", part))) next.push(join(path, "/", part));
    }
    found = next;
  }
  return found;
}
