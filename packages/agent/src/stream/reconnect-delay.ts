/** Longest wait between tries, milliseconds: an operator who brings a controller back does not want to wait longer. */
const longestMs = 120_000;

/**
 * Milliseconds to wait before the next try: anywhere between nothing and a limit that doubles with each failure (full jitter).
 * @param failures tries since the last connection that worked, from 0.
 * @param spreadMs what the controller asked for: how long the whole fleet takes to come back.
 * @param random in [0, 1).
 */
export function reconnectDelay(failures: number, spreadMs: number, random: number): number {
  const limit = Math.min(longestMs, Math.max(500, spreadMs) * 2 ** Math.min(failures, 20));
  return limit * random;
}
