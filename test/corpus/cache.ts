import { createHash } from "node:crypto";
import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** $SAMEPAGE_CACHE, or samepage/corpus in the user's cache directory: bases take minutes to build and never change. */
export function cacheDirectory(): string {
  return process.env["SAMEPAGE_CACHE"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "samepage/corpus");
}

/**
 * The path of a cached file, made by `make` when it is missing. Several processes may ask at once: one makes it,
 * the others wait; it appears under its name only when whole.
 * @param recipe everything the content depends on
 */
export async function cached(name: string, recipe: string, make: (path: string) => Promise<void>): Promise<string> {
  const directory = cacheDirectory();
  await mkdir(directory, { recursive: true });
  const path = join(directory, `${name}-${createHash("sha256").update(recipe).digest("hex").slice(0, 16)}`);
  const lock = `${path}.lock`;
  for (;;) {
    if (await exists(path)) return path;
    if (await takeLock(lock)) break;
    await sleep(250);
  }
  const unfinished = `${path}.unfinished`;
  try {
    if (await exists(path)) return path;
    await make(unfinished);
    await rename(unfinished, path);
    return path;
  } finally {
    await rm(unfinished, { force: true, recursive: true });
    await rm(lock, { force: true });
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The lock file names its owner; one whose owner no longer runs is nobody's. */
async function takeLock(lock: string): Promise<boolean> {
  const handle = await open(lock, "wx").catch(() => undefined);
  if (handle !== undefined) {
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  }
  const owner = Number(await readFile(lock, "utf8").catch(() => ""));
  // Empty: its owner is just writing it, or died doing so; the next look tells, by age.
  const age = await stat(lock).then(({ mtimeMs }) => Date.now() - mtimeMs, () => 0);
  if (owner > 0 ? !(await exists(`/proc/${owner}`)) : age > 10_000) await rm(lock, { force: true });
  return false;
}
