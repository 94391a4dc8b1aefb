import type { TreeEntry } from "../template/tree-entry.ts";
import type { VersionOf } from "./summarise-drift.ts";

/**
 * Indexes other versions of a template by path and digest, so that drift can say which version a
 * guest's file comes from. Give versions from the newest to the oldest: the newest wins.
 * Memory: about 100 bytes for each file that differs between versions.
 * @param current the version guests are compared with; files equal to its are not indexed
 */
export function indexVersions(current: Iterable<TreeEntry>, others: Iterable<readonly [version: string, entries: Iterable<TreeEntry>]>): VersionOf {
  const inCurrent = new Set<string>();
  for (const entry of current) if (entry.digest !== undefined) inCurrent.add(keyOf(entry.path, entry.digest));
  const versions = new Map<string, string>();
  for (const [version, entries] of others) {
    for (const { path, digest } of entries) {
      if (digest === undefined) continue;
      const key = keyOf(path, digest);
      if (!inCurrent.has(key) && !versions.has(key)) versions.set(key, version);
    }
  }
  return (path, digest) => versions.get(keyOf(path, digest));
}

/** Latin-1 keeps every byte, so that no two paths fall together. */
function keyOf(path: Buffer, digest: Buffer): string {
  return path.toString("latin1") + digest.toString("latin1");
}
