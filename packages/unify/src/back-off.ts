/** Whether a run rests, and for how many looks it has (not) rested. */
export interface BackOff {
  readonly resting: boolean;
  readonly looks: number;
}

export const atWork: BackOff = { resting: false, looks: 0 };

/** After so many looks at rest a run works for one look: on a host that is always under pressure it still gets to its end. */
const longestRest = 15;

/**
 * Decides whether a run goes on beside others that wait.
 * @param stalled share of the time since the last look, 0 … 1, in which somebody else waited for a disk, or anybody for memory
 * @param limit share from which the run rests; it goes on below half of that, so that it does not flutter
 */
export function nextBackOff({ resting, looks }: BackOff, stalled: number, limit: number): BackOff {
  const next = resting ? stalled >= limit / 2 && looks < longestRest : stalled > limit;
  return { resting: next, looks: next === resting ? looks + 1 : 0 };
}
