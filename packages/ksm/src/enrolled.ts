import { readKnobs } from "./knob-files.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { isAlive } from "./process-key.ts";
import type { ProcessKey } from "./process-key.ts";
import { bootId, readState, withStateLock, writeState } from "./state-file.ts";
import { firstState } from "./transaction.ts";

/** Remembers processes that we opted in, so that `off` finds them; those that have ended are forgotten. */
export async function recordEnrolled(paths: KsmPaths, added: readonly ProcessKey[]): Promise<void> {
  if (added.length === 0) return;
  await withStateLock(paths.state, () => {
    const state = readState(paths.state, bootId(paths.proc)) ?? firstState(paths, readKnobs(paths.sysfs));
    const known = new Map([...state.enrolled, ...added].map(({ pid, started }) => [`${pid}:${started}`, { pid, started }]));
    writeState(paths.state, { ...state, enrolled: [...known.values()].filter((key) => isAlive(paths.proc, key)) });
  });
}
