/** How long to wait between tries. */
export interface BackOff {
  /** Longest wait before the first retry, ms. */
  readonly baseMs: number;
  /** Longest wait ever, ms. For a herd of agents at least (agents / accepts per second) × 1000. */
  readonly capMs: number;
}

/**
 * The wait before retry number `attempt` (0 is the first), ms: anything from 0 to min(cap, base × 2^attempt), all equally likely.
 * The jitter is taken after the cap: before it, every waiter that has reached the cap would wake at the same moment.
 * (AWS Architecture Blog, "Exponential Backoff And Jitter": full jitter.)
 * @param random gives 0 ≤ x < 1.
 */
export function fullJitter(attempt: number, { baseMs, capMs }: BackOff, random: () => number): number {
  return Math.floor(random() * Math.min(capMs, baseMs * 2 ** attempt));
}
