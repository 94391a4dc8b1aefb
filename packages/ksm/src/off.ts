import { readCounters } from "./counters.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { readKnobs } from "./knob-files.ts";
import type { KnobStep } from "./knob-plan.ts";
import { bootId, readState } from "./state-file.ts";
import { applyKnobs, restoreKnobs } from "./transaction.ts";
import { optOut, unmergeAll } from "./unmerge.ts";
import type { UnmergeOptions, UnmergeReport } from "./unmerge.ts";

export interface OffReport {
  /** False: there was no record, so nothing of ours to undo. */
  readonly hadState: boolean;
  /** `undefined`: pages were merged before us, and those stay, or nothing was merged. */
  readonly unmerged: UnmergeReport | undefined;
  /** Processes of ours opted out without un-merging the host. */
  readonly optedOut: number;
  readonly restored: readonly KnobStep[];
}

/**
 * Undoes everything: opts out the processes that we opted in, un-merges what we merged, and puts every knob back to
 * what was recorded before the first change. Merges that others had made before stay merged.
 * @throws KsmError no-room when there is no room for the copies; the knobs then stay as they are
 */
export async function ksmOff(paths: KsmPaths, options: UnmergeOptions = {}): Promise<OffReport> {
  const knobs = readKnobs(paths.sysfs);
  const state = readState(paths.state, bootId(paths.proc));
  if (state === undefined) return { hadState: false, unmerged: undefined, optedOut: 0, restored: [] };
  // Stopped first: a running scan would merge again what is given back, and eat the room just calculated.
  if (knobs.run === 1 && !state.mergedBefore) await applyKnobs(paths, { run: 0 });
  const { pagesShared, zeroPages } = readCounters(paths.sysfs);
  const unmerged = !state.mergedBefore && pagesShared + zeroPages > 0 ? await unmergeAll(paths, options) : undefined;
  const results = await optOut(paths, state.enrolled, options);
  const restored = await restoreKnobs(paths);
  return { hadState: true, unmerged, optedOut: results.filter((result) => result.outcome === "done").length, restored };
}
