import type { DriftKind } from "./compare-trees.ts";
import type { DriftSummary } from "./summarise-drift.ts";

/** What the drift of many guests of one template comes to. */
export interface FleetDrift {
  guests: number;
  /** Guests without any difference but configuration and names of their own. */
  clean: number;
  counts: Record<DriftKind, number>;
  bytes: number;
  /** Those of them in prelinked variants. */
  prelinkedBytes: number;
  /** "412 guests still on openssl from @3": most guests first. */
  behind: { package: string; version: string; guests: number }[];
  /** Names modified in most guests, at most `limit`: candidates for the template's next version. */
  common: { kind: DriftKind; path: Buffer; guests: number }[];
}

/** Names listed; more would be drift to look at guest by guest. */
const defaultLimit = 50;

/** Sums up guests of one template. Extra names are not listed as common: data is not drift to fix. */
export function summariseFleet(guests: Iterable<DriftSummary>, limit = defaultLimit): FleetDrift {
  const fleet: FleetDrift = {
    guests: 0,
    clean: 0,
    counts: { modified: 0, missing: 0, extra: 0, permissions: 0, prelinked: 0, conffile: 0 },
    bytes: 0,
    prelinkedBytes: 0,
    behind: [],
    common: [],
  };
  const behind = new Map<string, { package: string; version: string; guests: number }>();
  const common = new Map<string, { kind: DriftKind; path: Buffer; guests: number }>();
  for (const { counts, bytes, prelinkedBytes, behind: packages, items } of guests) {
    fleet.guests++;
    fleet.bytes += bytes;
    fleet.prelinkedBytes += prelinkedBytes;
    if (counts.modified + counts.missing + counts.permissions + counts.prelinked === 0) fleet.clean++;
    for (const [kind, count] of entriesOf(counts)) fleet.counts[kind] += count;
    for (const { package: name, version } of packages) countUp(behind, `${name}\0${version}`, { package: name, version, guests: 0 });
    for (const { kind, path } of items) {
      if (kind !== "extra") countUp(common, kind + path.toString("latin1"), { kind, path, guests: 0 });
    }
  }
  fleet.behind = mostGuests(behind);
  fleet.common = mostGuests(common).slice(0, limit);
  return fleet;
}

function countUp<T extends { guests: number }>(map: Map<string, T>, key: string, first: T): void {
  const known = map.get(key) ?? first;
  known.guests++;
  map.set(key, known);
}

function mostGuests<T extends { guests: number }>(map: Map<string, T>): T[] {
  return [...map.values()].sort((a, b) => b.guests - a.guests);
}

function entriesOf(counts: Record<DriftKind, number>): [DriftKind, number][] {
  const kinds: DriftKind[] = ["modified", "missing", "extra", "permissions", "prelinked", "conffile"];
  return kinds.map((kind) => [kind, counts[kind]]);
}
