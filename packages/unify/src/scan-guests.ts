import { closeSync, constants, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { type ExactPath, scanTrees, type ScanGuest, type Tree } from "@samepage/linux";
import type { Settings } from "./check-options.ts";
import { readConffiles } from "./conffiles/read-conffiles.ts";
import { defaultExcludes } from "./excludes-default.ts";
import { parseExcludes } from "./excludes.ts";
import type { Space } from "./file-system-group.ts";
import type { GuestRoot } from "./guest-root.ts";
import { readMountPoints } from "./mount-points.ts";
import { PoolPlace, placeName } from "./pool-place.ts";
import type { RunControl } from "./run-control.ts";
import type { UnifyError } from "./unify-error.ts";

/** The exact-path lists, as numbered in `TreeCounts.exact`. */
export const exactLists = { conffile: 0, mountPoint: 1, place: 2 } as const;

/** Space of guests on which nothing is done; the native side takes it for none. */
const noSpace = 0xffff;

export interface ScanRequest {
  readonly roots: readonly GuestRoot[];
  readonly spaces: readonly Space[];
  readonly settings: Settings;
  readonly excludes: readonly string[] | undefined;
  /** Gets guests whose package database could not be read. */
  readonly finding: (root: GuestRoot, problem: UnifyError) => void;
}

/** Scans the guests and, after them in number, the pools of their file systems. */
export async function scanGuests(request: ScanRequest, run: RunControl): Promise<Tree> {
  const { roots, spaces, settings } = request;
  const patterns = parseExcludes(request.excludes ?? defaultExcludes);
  const mountPoints = readMountPoints(roots);
  const guests = await Promise.all(
    roots.map(async (root, number): Promise<ScanGuest> => {
      const conffiles = await readConffiles(root.path, run.signal, (problem) => request.finding(root, problem));
      const exact: ExactPath[] = [{ path: `/${placeName}`, list: exactLists.place }];
      for (const path of mountPoints[number] ?? []) exact.push({ path, list: exactLists.mountPoint });
      for (const path of conffiles) exact.push({ path, list: exactLists.conffile });
      const space = spaces.findIndex(({ group, domain }) => domain === root.guest.domain && group.guests.includes(root));
      return { fd: root.fd, space: space < 0 ? noSpace : space, pool: false, exact };
    }),
  );
  const tops = [...new Set(spaces.flatMap(({ group }) => (group.chosen.strategy === "hardlink" ? [group.top] : [])))].filter((top) => PoolPlace.exists(top));
  const pools = tops.map((top) => openSync(join(top, placeName, "pool"), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW));
  try {
    return await scanTrees(
      {
        guests: [...guests, ...pools.map((fd): ScanGuest => ({ fd, space: noSpace, pool: true, exact: [] }))],
        patterns,
        // One pool a file system: an object's tag then names the space among those of that file system.
        tags: spaces.flatMap(({ group, tag }, space) => (tops.includes(group.top) ? [{ tag, space, guest: roots.length + tops.indexOf(group.top) }] : [])),
        minSize: settings.minSize,
        threads: settings.threads ?? availableParallelism(),
      },
      run.job,
    );
  } finally {
    for (const fd of pools) closeSync(fd);
  }
}
