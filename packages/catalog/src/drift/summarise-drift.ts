import type { Drift, DriftKind } from "./compare-trees.ts";

/** What one guest's drift comes to. */
export interface DriftSummary {
  /** Names equal to the template's. */
  same: number;
  counts: Record<DriftKind, number>;
  /** Bytes in files that are no longer the template's, so that they cannot be shared with it. */
  bytes: number;
  /** Those of them in prelinked variants: what leaving these alone costs. */
  prelinkedBytes: number;
  /** Packages with files that are another template version's, by package and version: what was not upgraded, or was downgraded. */
  behind: { package: string; version: string; files: number }[];
  /** The differences themselves, in path order, at most `limit`. */
  items: DriftItem[];
  /** Differences beyond `limit`. */
  omitted: number;
}

/** One difference, as reports print it. */
export interface DriftItem {
  kind: DriftKind;
  path: Buffer;
  package: string | undefined;
  /** Another version of the template that has exactly this file, e.g. `3`. */
  version: string | undefined;
}

/** Looks up the version of the template whose file at this path has this digest. */
export type VersionOf = (path: Buffer, digest: Buffer) => string | undefined;

/** Differences listed one by one; a guest that drifted further needs its counts, not a list. */
const defaultLimit = 1000;

/**
 * Sums up a comparison.
 * @param drifts from compareTrees
 * @param versionOf answers for the template's other versions; see indexVersions
 */
export function summariseDrift(drifts: Generator<Drift, { same: number }>, versionOf: VersionOf = () => undefined, limit = defaultLimit): DriftSummary {
  const counts: Record<DriftKind, number> = { modified: 0, missing: 0, extra: 0, permissions: 0, prelinked: 0, conffile: 0 };
  const behind = new Map<string, { package: string; version: string; files: number }>();
  const items: DriftItem[] = [];
  let bytes = 0;
  let prelinkedBytes = 0;
  for (;;) {
    const step = drifts.next();
    if (step.done === true) {
      const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
      const order = [...behind.values()].sort((a, b) => b.files - a.files || (a.package < b.package ? -1 : 1));
      return { same: step.value.same, counts, bytes, prelinkedBytes, behind: order, items, omitted: total - items.length };
    }
    const { kind, template, guest } = step.value;
    const entry = guest ?? template;
    if (entry === undefined) continue;
    counts[kind]++;
    if (kind !== "missing" && kind !== "permissions") bytes += guest?.size ?? 0;
    if (kind === "prelinked") prelinkedBytes += guest?.size ?? 0;
    const owner = entry.package ?? template?.package;
    const version = guest?.digest === undefined || kind !== "modified" ? undefined : versionOf(guest.path, guest.digest);
    if (owner !== undefined && version !== undefined) {
      const key = `${owner}\0${version}`;
      const known = behind.get(key) ?? { package: owner, version, files: 0 };
      known.files++;
      behind.set(key, known);
    }
    if (items.length < limit) items.push({ kind, path: entry.path, package: owner, version });
  }
}
