import type { Manifest, ManifestEntry } from "./manifest.ts";

/** Enough to see a pattern; a tree that differs everywhere would fill the screen. */
const mostDifferences = 20;

/** How much of a guest's own hard links must be as before. */
export type Links = "same" | "kept" | "any";

/**
 * One line for each difference, at most twenty, then how many more; empty when a guest cannot tell the two apart.
 * @param links `same`: the guest's hard links of its own are as before; `kept`: those it had are, and equal files of
 * its own may have become links of each other, as they do while they are unified; `any`: not compared
 */
export function compareManifests(before: Manifest, after: Manifest, links: Links = "same"): string[] {
  const differences: string[] = [];
  const linkedAsBefore = (path: string, { linkedWith }: ManifestEntry) => {
    if (links === "any") return true;
    const now = after.get(path)?.linkedWith;
    return links === "same" ? now === linkedWith : now === after.get(linkedWith)?.linkedWith;
  };
  for (const [path, entry] of before) {
    const other = after.get(path);
    if (other === undefined) differences.push(`${printable(path)}: missing`);
    else {
      const changed = compareEntries(entry, other);
      if (!linkedAsBefore(path, entry)) changed.push(`linked with ${printable(entry.linkedWith)} → ${printable(other.linkedWith)}`);
      differences.push(...changed.map((difference) => `${printable(path)}: ${difference}`));
    }
  }
  for (const path of after.keys()) {
    if (!before.has(path)) differences.push(`${printable(path)}: not there before`);
  }
  const more = differences.length - mostDifferences;
  return more > 0 ? [...differences.slice(0, mostDifferences), `and ${more} more`] : differences;
}

function compareEntries(before: ManifestEntry, after: ManifestEntry): string[] {
  const fields = ["type", "mode", "uid", "gid", "size", "mtimeNs", "rdev", "content"] as const;
  const changed = fields.filter((field) => before[field] !== after[field]).map((field) => `${field} ${before[field]} → ${after[field]}`);
  const names = new Set([...before.attributes.keys(), ...after.attributes.keys()]);
  for (const name of names) {
    const [old, now] = [before.attributes.get(name), after.attributes.get(name)];
    if (old !== now) changed.push(`${name} ${old ?? "absent"} → ${now ?? "absent"}`);
  }
  return changed;
}

function printable(path: string): string {
  // oxlint-disable-next-line no-control-regex
  return path.replaceAll(/[^\x20-\x5b\x5d-\x7e]/gu, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, "0")}`);
}
