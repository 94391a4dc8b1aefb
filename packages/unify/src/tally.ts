import type { Candidates, RowState, SwapOutcome, Tree } from "@samepage/linux";
import type { InodeFates } from "./plan-swaps.ts";
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

/**
 * Counts names by what became of them.
 * @param guests names of the guests, numbered as in the tree (pools come after)
 * @param outcome what apply did with a member; for a prediction every member counts as done with what it would free
 */
export function tally(
  guests: readonly string[],
  tree: Tree,
  identified: { readonly candidates: Candidates; readonly fate: InodeFates } | undefined,
  outcome: (inode: number) => SwapOutcome,
): Tally {
  const skipped = new Map<SkipReason, number>();
  const skip = (reason: SkipReason | undefined, names = 1) => {
    if (reason !== undefined && names > 0) skipped.set(reason, (skipped.get(reason) ?? 0) + names);
  };
  const perGuest = guests.map((name, at) => ({ name, files: tree.counts[at]?.names ?? 0, unified: 0, reclaimed: 0 }));
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
  for (let row = 0; row < tree.rowCount; row++) {
    if (!tree.isUsed(row) || tree.isPool(row)) continue;
    const inode = tree.candidate(row);
    if (inode === undefined || identified === undefined) {
      skip(reasonOfState[tree.state(row) ?? "new"]);
      continue;
    }
    const fate = identified.fate.get(inode);
    if (fate === "canonical" || fate === "none") continue;
    if (fate !== "member") {
      skip(fate);
      continue;
    }
    const { state, freed } = outcome(inode);
    if (state !== "done") {
      skip(reasonOfState[state]);
      continue;
    }
    const guest = perGuest[tree.guest(row)];
    if (guest === undefined) continue;
    guest.unified++;
    // What an inode frees is counted once, where its first name lies.
    if (row === identified.candidates.row(inode)) guest.reclaimed += freed;
  }
  const sum = (of: (guest: (typeof perGuest)[number]) => number) => perGuest.reduce((total, guest) => total + of(guest), 0);
  return {
    files: { scanned: sum(({ files }) => files), eligible, unified: sum(({ unified }) => unified), skipped: Object.fromEntries(skipped) },
    guests: perGuest,
    logical: tree.counts.slice(0, guests.length).reduce((total, { logical }) => total + logical, 0),
    reclaimed: sum(({ reclaimed }) => reclaimed),
  };
}
