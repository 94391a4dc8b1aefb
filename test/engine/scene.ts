import { readdirSync } from "node:fs";
import { join } from "node:path";
import { compareManifests, type Links, type Manifest, manifest } from "@samepage/test-corpus";
import { run } from "@samepage/test-support";
import { type Guest, planUnify, type UnifyOptions, type UnifyReport } from "@samepage/unify";

/** Stopped guests of one domain, in the order given. */
export function guestsAt(paths: readonly string[]): Guest[] {
  return paths.map((path) => ({ name: path, path, domain: "default", state: "stopped" }));
}

/** What a plan says it would do; nothing is changed. */
export async function predict(options: UnifyOptions): Promise<UnifyReport> {
  using plan = await planUnify(options);
  return plan.report;
}

export async function manifests(guests: readonly Guest[]): Promise<Manifest[]> {
  return Promise.all(guests.map(({ path }) => manifest(path)));
}

/**
 * What differs now from before, guest by guest; empty when no guest could tell. While files are unified, equal files
 * within a guest are links of each other too (`kept`); deunified, they are `same` again.
 */
export async function differences(guests: readonly Guest[], before: readonly Manifest[], links: "kept" | "same" = "kept"): Promise<string[]> {
  return compare(guests, before, await manifests(guests), links);
}

/**
 * The same after a run that was killed or cut off. `next`: whether the next run has been. Before it, directories may show
 * the time of the exchange; and two names of one inode, which are exchanged one after the other, may be equal files that are
 * no links of each other. The next run puts both right.
 */
export async function differencesAfterCrash(guests: readonly Guest[], before: readonly Manifest[], next: "before-next" | "after-next"): Promise<string[]> {
  const after = await manifests(guests);
  return next === "before-next" ? compare(guests, exceptDirectoryTimes(before), exceptDirectoryTimes(after), "any") : compare(guests, before, after, "kept");
}

function compare(guests: readonly Guest[], before: readonly Manifest[], after: readonly Manifest[], links: Links): string[] {
  return guests.flatMap(({ name }, index) => compareManifests(before[index] ?? new Map(), after[index] ?? new Map(), links).map((line) => `${name}: ${line}`));
}

function exceptDirectoryTimes(of: readonly Manifest[]): Manifest[] {
  return of.map((manifest) => new Map([...manifest].map(([path, entry]) => [path, entry.type === "directory" ? { ...entry, mtimeNs: 0n } : entry])));
}

/** Inodes that occur in more than one guest. */
export async function inodesShared(guests: readonly Guest[]): Promise<number> {
  const seen = new Map<string, number>();
  let shared = 0;
  for (const [index, { path }] of guests.entries()) {
    const listing = await run("find", [path, "-xdev", "-type", "f", "-links", "+1", "-printf", "%i\\n"]);
    for (const inode of new Set(listing.split("\n").filter(Boolean))) {
      const owner = seen.get(inode);
      if (owner === undefined) seen.set(inode, index);
      else if (owner !== index) {
        shared++;
        seen.set(inode, index);
      }
    }
  }
  return shared;
}

/** Bytes the file system says are used, with everything written and released: the figure a reported saving is held against. */
export async function usedBytes(mount: string): Promise<number> {
  // btrfs frees at a commit what an earlier commit had let go; XFS removes unlinked inodes behind the caller's back.
  for (let round = 0; round < 2; round++) await run("sync", ["--file-system", mount]);
  const type = (await run("stat", ["--file-system", "--format=%T", mount])).trim();
  if (type === "btrfs") await run("btrfs", ["filesystem", "sync", mount]);
  // freeze and thaw settle XFS's and ext4's background work at once.
  await run("fsfreeze", ["--freeze", mount]);
  await run("fsfreeze", ["--unfreeze", mount]);
  const [, used = ""] = (await run("df", ["--output=used", "--block-size=1", mount])).trim().split("\n");
  return Number(used);
}

/** Bytes on disk of the pool's own directories: what keeping shared files costs, and the only thing it costs. */
export async function poolDirectoryBytes(mount: string): Promise<number> {
  const blocks = await run("find", [join(mount, ".samepage"), "-type", "d", "-printf", "%b\\n"]).catch(() => "");
  return blocks.split("\n").reduce((sum, count) => sum + Number(count) * 512, 0);
}

/** Names in a file system that are neither the guests' nor the pool's: what a killed run may leave, and the next must not. */
export function strays(mount: string, guests: readonly Guest[]): string[] {
  const known = new Set([...guests.map(({ path }) => path), join(mount, ".samepage"), join(mount, "lost+found")]);
  return readdirSync(mount)
    .map((name) => join(mount, name))
    .filter((path) => !known.has(path));
}
