import { closeSync, constants, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type ExactPath, scanTrees, type ScanGuest, type ScanOptions, type Tree } from "@samepage/linux";
import type { Settings } from "./check-options.ts";
import { readConffiles } from "./conffiles/read-conffiles.ts";
import { defaultExcludes } from "./excludes-default.ts";
import { parseExcludes } from "./excludes.ts";
import type { Space } from "./file-system-group.ts";
import type { GuestRoot } from "./guest-root.ts";
import { PoolPlace, placeName } from "./pool-place.ts";
import type { RunControl } from "./run-control.ts";
import type { UnifyError } from "./unify-error.ts";

/** The exact-path lists, as numbered in `TreeCounts.exact`. */
export const exactLists = { conffile: 0, mountPoint: 1, place: 2, others: 3 } as const;

/** Space of guests on which nothing is done; the native side takes it for none. */
const noSpace = 0xffff;

/** The exact paths that a tree was scanned with. */
const exactOf = new WeakMap<Tree, string>();

export interface ScanRequest {
  readonly roots: readonly GuestRoot[];
  readonly spaces: readonly Space[];
  readonly settings: Settings;
  readonly excludes: readonly string[] | undefined;
  readonly pools: OpenPools;
  /** Per guest, as `readMountPoints` gives them. */
  readonly mountPoints: readonly (readonly string[])[];
  /** By an earlier scan for the same question. */
  readonly known: ScanOptions["known"];
  /** Gets guests whose package database could not be read. */
  readonly finding: (root: GuestRoot, problem: UnifyError) => void;
}

/** The pools of the spaces' file systems, open. */
export class OpenPools implements Disposable {
  readonly tops: readonly string[];
  readonly fds: readonly number[];

  constructor(spaces: readonly Space[]) {
    this.tops = [...new Set(spaces.flatMap(({ group }) => (group.chosen.strategy === "hardlink" ? [group.top] : [])))].filter((top) => PoolPlace.exists(top));
    this.fds = this.tops.map((top) => openSync(join(top, placeName, "pool"), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW));
  }

  [Symbol.dispose](): void {
    for (const fd of this.fds) closeSync(fd);
  }
}

/** What lies in a guest's root and is never the guest's: the pool, and on the host's own root what belongs to guests. */
export function notOwn({ leftOut }: GuestRoot): ExactPath[] {
  return [{ path: `/${placeName}`, list: exactLists.place }, ...leftOut.map((path) => ({ path, list: exactLists.others }))];
}

/** Scans the guests and, after them in number, the pools of their file systems. */
export async function scanGuests(request: ScanRequest, run: RunControl): Promise<Tree> {
  const { roots, spaces, settings, pools, mountPoints } = request;
  const patterns = parseExcludes(request.excludes ?? defaultExcludes);
  const guests = await Promise.all(
    roots.map(async (root, number): Promise<ScanGuest> => {
      const conffiles = await readConffiles(root.path, run.signal, (problem) => request.finding(root, problem));
      const exact = notOwn(root);
      for (const path of mountPoints[number] ?? []) exact.push({ path, list: exactLists.mountPoint });
      for (const path of conffiles) exact.push({ path, list: exactLists.conffile });
      const space = spaces.findIndex(({ group, domain }) => domain === root.guest.domain && group.guests.includes(root));
      return { fd: root.fd, space: space < 0 ? noSpace : space, pool: false, exact };
    }),
  );
  const exact = JSON.stringify(guests.map((guest) => guest.exact));
  const tree = await scanTrees(
    {
      guests: [...guests, ...pools.fds.map((fd): ScanGuest => ({ fd, space: noSpace, pool: true, exact: [] }))],
      patterns,
      // One pool a file system: an object's tag then names the space among those of that file system.
      tags: spaces.flatMap(({ group, tag }, space) => (pools.tops.includes(group.top) ? [{ tag, space, guest: roots.length + pools.tops.indexOf(group.top) }] : [])),
      minSize: settings.minSize,
      threads: settings.threads ?? availableParallelism(),
      // Other configuration files or mount points than then: names were left out, or taken in, that no event tells of.
      known: request.known !== undefined && exactOf.get(request.known.tree) === exact ? request.known : undefined,
    },
    run.job,
  );
  exactOf.set(tree, exact);
  return tree;
}
