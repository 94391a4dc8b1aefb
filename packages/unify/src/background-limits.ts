import { availableParallelism } from "node:os";

/** What the agent runs with unless told otherwise, and the command line with `--priority background`: guests do not feel a run. */
export const backgroundLimits = {
  background: true,
  paced: true,
  /** Per cent. A guest that reads now and then stays below; one that waits a quarter of its time for a disk needs it for itself. */
  pressureLimit: 25,
  /**
   * A thread that gives way still costs whoever wakes on its processor a switch, cold caches and a part of the memory's bandwidth.
   * With three processors in four left alone a guest's wake-up finds one of those. A pass over all files takes longer for it.
   */
  threads: Math.max(1, Math.floor(availableParallelism() / 4)),
} as const;
