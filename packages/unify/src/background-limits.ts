/** What the command line and the agent run with unless told otherwise, so that guests do not feel a run. */
export const backgroundLimits = {
  background: true,
  /** Per cent. A guest that reads now and then stays below; one that waits a quarter of its time for a disk needs it for itself. */
  pressureLimit: 25,
} as const;
