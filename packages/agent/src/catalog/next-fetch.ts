/** Agents that start together, because a controller or a rack came back, ask for catalogs within this time, milliseconds. */
const firstSpreadMs = 60_000;

/** Shortest wait, milliseconds, whatever a controller announces: an idle question costs both sides. */
const shortestMs = 60_000;

/** A fleet asks this many times more slowly than it comes back: at 150 connections a second, 5 questions a second at most, whatever its size. */
const slowerThanReturn = 30;

/** What decides how long the controller is left in peace, seconds. */
export interface FetchPace {
  /** As the manifest in force announces; 0 when there is none. */
  readonly minimumWait: number;
  /** Time over which the controller spreads the whole fleet's return: it grows with the fleet. */
  readonly fleetSeconds: number;
}

/**
 * When an agent asks for its catalogs next, milliseconds from now. At first within a minute, evenly spread. Later not before
 * what the manifest announces and the fleet's size asks for, and then spread over as long again, so that a fleet never falls
 * into step. Nothing waits for it: a run that needs catalogs asks by itself.
 * @param random 0 … 1, evenly spread
 */
export function nextFetchMs({ minimumWait, fleetSeconds }: FetchPace, first: boolean, random: () => number): number {
  if (first) return random() * firstSpreadMs;
  const least = Math.max(shortestMs, minimumWait * 1000, fleetSeconds * slowerThanReturn * 1000);
  return least + random() * least;
}
