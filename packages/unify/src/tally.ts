import { countRows, type RowState, type Tree } from "@samepage/linux";
import { InodeFates } from "./plan-swaps.ts";
import { exactLists } from "./scan-guests.ts";
import type { SkipReason } from "./skip-reason.ts";
import type { UnifyReport } from "./unify-report.ts";

/** The counting part of a report. */
export type Tally = Pick<UnifyReport, "guests"> & { readonly files: Omit<UnifyReport["files"], "visited"> } & { readonly logical: number; readonly reclaimed: number };

/** Row states as operators know them; `undefined` for those that say nothing about a file left alone. */
const reasonOfState: Readonly<Record<RowState, SkipReason | undefined>> = {
  new: "unsupported", // on a file system where nothing is done
  unique: "unique",
  already: "already-unified",
  immutable: "immutable",
  "append-only": "append-only",
  "outside-link": "outside-link",
  changed: "changed",
  busy: "busy",
  "link-limit": "link-limit",
  unsupported: "unsupported",
  error: "error",
  done: undefined,
  stopped: undefined,
  "not-in-template": "not-in-template",
};

/** What apply did with each inode that was to be displaced. */
export interface Outcomes {
  /** `stateNumber`, by inode; undefined where all are done. */
  readonly states: Uint8Array | undefined;
  /** Bytes, by inode. */
  readonly freed: Float64Array;
}

/**
 * Counts names by what became of them.
 * @param guests names of the guests, numbered as in the tree (pools come after)
 * @param outcomes undefined for a prediction in which every member frees its own blocks
 */
export function tally(guests: readonly string[], tree: Tree, fate: InodeFates, outcomes: Outcomes | undefined): Tally {
  const skipped = new Map<SkipReason, number>();
  const skip = (reason: SkipReason | undefined, names = 1) => {
    if (reason !== undefined && names > 0) skipped.set(reason, (skipped.get(reason) ?? 0) + names);
  };
  let eligible = 0;
  for (const counts of tree.counts.slice(0, guests.length)) {
    eligible += counts.rows;
    skip("excluded", counts.excluded);
    skip("conffile", counts.exact[exactLists.conffile]);
    skip("mount-point", counts.exact[exactLists.mountPoint]);
    skip("symlink", counts.symlink);
    skip("not-regular", counts.notRegular);
    skip("empty", counts.empty);
    skip("too-small", counts.tooSmall);
    skip("other-device", counts.otherDevice);
  }
  const rows = countRows(tree, fate.bytes, outcomes);
  for (const [state, names] of rows.byState) skip(reasonOfState[state], names);
  for (const [reason, names] of InodeFates.skips(rows.byFate)) skip(reason, names);
  const perGuest = guests.map((name, at) => ({ name, files: tree.counts[at]?.names ?? 0, unified: rows.guests[at]?.unified ?? 0, reclaimed: rows.guests[at]?.freed ?? 0 }));
  const sum = (of: (guest: (typeof perGuest)[number]) => number) => perGuest.reduce((total, guest) => total + of(guest), 0);
  return {
    files: { scanned: sum(({ files }) => files), eligible, unified: sum(({ unified }) => unified), skipped: Object.fromEntries(skipped) },
    guests: perGuest,
    logical: tree.counts.slice(0, guests.length).reduce((total, { logical }) => total + logical, 0),
    reclaimed: sum(({ reclaimed }) => reclaimed),
  };
}
