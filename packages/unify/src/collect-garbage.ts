import { checkOptions } from "./check-options.ts";
import { openGuestRoots } from "./guest-root.ts";
import { PoolPlace } from "./pool-place.ts";
import type { GarbageReport } from "./pool-report.ts";
import { recoverRuns } from "./recover.ts";
import { removeUnused } from "./remove-unused.ts";
import { RunControl } from "./run-control.ts";
import type { PoolOptions } from "./unify-options.ts";

/** Removes objects that no guest uses any more from the pools of the guests' file systems. */
export async function collectPools(options: PoolOptions): Promise<GarbageReport> {
  const started = performance.now();
  checkOptions(options);
  using roots = openGuestRoots(options.guests);
  using run = new RunControl(options);
  const pools: GarbageReport["pools"][number][] = [];
  const failures: GarbageReport["failures"][number][] = [];
  for (const top of new Set(roots.all.map((root) => root.top))) {
    if (run.stopped !== undefined || !PoolPlace.exists(top)) continue;
    using place = await PoolPlace.take(top, run.signal);
    await recoverRuns(place, failures);
    const { objects, removed, freed } = await removeUnused(place.pool, new Map(), options.cowGuard, run.signal);
    pools.push({ path: place.pool, objects, removed, freed });
  }
  return { pools, failures, ...(run.stopped === undefined ? {} : { stopped: run.stopped }), elapsedMs: Math.round(performance.now() - started) };
}
