/** Agents that start together, because a controller or a rack came back, ask for catalogs within this time, milliseconds. */
const firstSpreadMs = 60_000;

/** Shortest wait, milliseconds, whatever a controller announces: an idle question costs both sides. */
const shortestMs = 60_000;

/**
 * When an agent asks for its catalogs next, milliseconds from now. At first within a minute, evenly spread. Later not before
 * the announced minimum, and then spread over as long again, so that a fleet never falls into step.
 * @param minimumWait seconds, as the manifest in force announces; 0 when there is none
 * @param random 0 … 1, evenly spread
 */
export function nextFetchMs(minimumWait: number, first: boolean, random: () => number): number {
  if (first) return random() * firstSpreadMs;
  const least = Math.max(shortestMs, minimumWait * 1000);
  return least + random() * least;
}
