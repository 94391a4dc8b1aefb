import { lstat, readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { codeOf } from "../thrown.ts";
import type { DiscoveryContext } from "./guest-provider.ts";

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Names of the real directories in a directory, sorted; symbolic links and other files are not among them.
 * A missing directory has none. Names that are not UTF-8 are left out, with a word about it.
 */
export async function realDirectories(path: string, context: DiscoveryContext): Promise<readonly string[]> {
  let entries;
  try {
    entries = await readdir(path, { withFileTypes: true, encoding: "buffer" });
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return [];
    throw error;
  }
  const names: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    try {
      names.push(utf8.decode(entry.name));
    } catch {
      context.skipped(`${path}/${entry.name.toString("latin1")}`, "the name is not UTF-8");
    }
  }
  return names.sort();
}

/** Whether this is a directory itself, not a link to one. */
export async function isRealDirectory(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isDirectory() ?? false;
}

/**
 * The path with every link in it resolved, when that is a directory below the context's root and not the root itself;
 * otherwise undefined. For paths that the host's own configuration names: an administrator may have put them behind a link.
 */
export async function resolveDirectory(path: string, context: DiscoveryContext): Promise<string | undefined> {
  const real = await realpath(join(context.root, path)).catch(() => undefined);
  if (real === undefined || real === "/" || !(await isRealDirectory(real))) return undefined;
  const root = context.root === "" ? "" : await realpath(context.root);
  return real.startsWith(`${root}/`) ? real : undefined;
}

/** Whether anything has this name, a link with no target too. */
export async function existsOnHost(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined;
}
