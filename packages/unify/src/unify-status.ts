import { closeSync, constants, openSync } from "node:fs";
import { availableParallelism } from "node:os";
import { scanTrees, type ScanGuest, type Tree } from "@samepage/linux";
import { checkOptions } from "./check-options.ts";
import { type GuestRoot, openGuestRoots } from "./guest-root.ts";
import { measurePageCache } from "./page-cache.ts";
import { treeFailures } from "./plan-unify.ts";
import { PoolPlace, poolPath, runsPath } from "./pool-place.ts";
import type { StatusReport } from "./pool-report.ts";
import { countPending } from "./recover.ts";
import { RunControl } from "./run-control.ts";
import { notOwn } from "./scan-guests.ts";
import type { PoolOptions } from "./unify-options.ts";

/** How guests and pools stand; nothing is changed. */
export async function readStatus(options: PoolOptions): Promise<StatusReport> {
  const started = performance.now();
  checkOptions(options);
  using roots = openGuestRoots(options.guests);
  using run = new RunControl(options);
  const pools: StatusReport["pools"][number][] = [];
  const guests: StatusReport["guests"][number][] = [];
  const failures: StatusReport["failures"][number][] = [];
  const pageCache = { shared: 0, saved: 0 };
  for (const [top, members] of Map.groupBy(roots.all, (root) => root.top)) {
    using tree = await scanPlace(top, members, run);
    const inodes = countInodes(tree);
    if (PoolPlace.exists(top)) pools.push({ ...poolStatus(inodes), path: poolPath(top), ...mountOf(members), pending: countPending(runsPath(top)) });
    for (const [at, root] of members.entries()) guests.push(guestStatus(tree, at, root, inodes));
    const cached = await measurePageCache(tree, availableParallelism(), run.job, new Uint32Array());
    pageCache.shared += cached.shared;
    pageCache.saved += cached.saved;
    failures.push(...treeFailures(tree, members.map(({ guest }) => guest.name)));
  }
  return { pools, guests, pageCache, failures, elapsedMs: Math.round(performance.now() - started) };
}

function mountOf(members: readonly GuestRoot[]): { mount: string; type: string } {
  const mount = members[0]?.mount;
  return { mount: Buffer.from(mount?.mountPoint ?? "", "latin1").toString(), type: mount?.type ?? "" };
}

async function scanPlace(top: string, members: readonly GuestRoot[], run: RunControl): Promise<Tree> {
  const pool = PoolPlace.exists(top) ? openSync(poolPath(top), constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW) : undefined;
  try {
    const scan = members.map((root): ScanGuest => ({ fd: root.fd, space: 0, pool: false, exact: notOwn(root) }));
    if (pool !== undefined) scan.push({ fd: pool, space: 0, pool: true, exact: [] });
    run.startPhase("scan");
    return await scanTrees({ guests: scan, patterns: [], tags: [], minSize: 1, threads: availableParallelism() }, run.job);
  } finally {
    if (pool !== undefined) closeSync(pool);
  }
}

interface InodeCount {
  readonly links: number;
  readonly allocated: number;
  /** Names in the pool. */
  pooled: number;
}

function countInodes(tree: Tree): Map<number, InodeCount> {
  const inodes = new Map<number, InodeCount>();
  for (let row = 0; row < tree.rowCount; row++) {
    if (!tree.isUsed(row) || !tree.isPool(row)) continue;
    const ino = tree.ino(row);
    const known = inodes.get(ino) ?? { links: tree.links(row), allocated: tree.allocated(row), pooled: 0 };
    known.pooled++;
    inodes.set(ino, known);
  }
  return inodes;
}

function poolStatus(inodes: ReadonlyMap<number, InodeCount>): Pick<StatusReport["pools"][number], "objects" | "bytes" | "garbage"> {
  let bytes = 0;
  const garbage = { objects: 0, bytes: 0 };
  for (const { links, allocated, pooled } of inodes.values()) {
    bytes += allocated;
    if (links > pooled) continue;
    garbage.objects += 1;
    garbage.bytes += allocated;
  }
  return { objects: inodes.size, bytes, garbage };
}

function guestStatus(tree: Tree, at: number, root: GuestRoot, inodes: ReadonlyMap<number, InodeCount>): StatusReport["guests"][number] {
  const seen = new Set<number>();
  let shared = 0;
  let alone = 0;
  let now = 0;
  for (let row = 0; row < tree.rowCount; row++) {
    if (!tree.isUsed(row) || tree.isPool(row) || tree.guest(row) !== at) continue;
    const ino = tree.ino(row);
    const pooled = inodes.get(ino)?.pooled ?? 0;
    if (pooled > 0) shared++;
    // Every name pays its part of the inode; alone, each unified name is a file again, and others cost an inode once.
    now += tree.allocated(row) / Math.max(1, tree.links(row) - pooled);
    if (pooled > 0 || !seen.has(ino)) alone += tree.allocated(row);
    seen.add(ino);
  }
  return { name: root.guest.name, files: tree.counts[at]?.names ?? 0, shared, bytes: { alone, now: Math.round(now) } };
}
