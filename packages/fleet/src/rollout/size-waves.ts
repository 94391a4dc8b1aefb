import { countOf, type Share } from "../share.ts";

/** A wave's place among the hosts, before anything is predicted for it. */
export interface WaveSize {
  readonly name: string;
  readonly canary: boolean;
  readonly first: number;
  readonly count: number;
}

/**
 * Cuts `total` hosts into a canary and waves. Percentages are of `total` and round up. A size that does not fit is clamped and
 * an empty wave left out, each with a notice; hosts that the sizes leave over make one more wave: every host is in exactly one wave.
 * @throws FleetError `bad-share`.
 */
export function sizeWaves(total: number, canary: Share, sizes: readonly Share[]): { waves: WaveSize[]; notices: string[] } {
  const waves: WaveSize[] = [];
  const notices: string[] = [];
  let first = 0;
  const take = (name: string, share: Share, isCanary: boolean) => {
    const wanted = countOf(share, total);
    const count = Math.min(wanted, total - first);
    if (count < wanted) notices.push(`${name} asks for ${wanted} hosts, ${count} are left: it has ${count === 0 ? "none and is left out" : count}`);
    else if (wanted === 0) notices.push(`${name} has no hosts and is left out`);
    if (count > 0) waves.push({ name, canary: isCanary, first, count });
    first += count;
  };

  if (canary !== 0) take("canary", canary, true);
  for (const [index, share] of sizes.entries()) take(`wave ${index + 1}`, share, false);
  const rest = total - first;
  if (rest > 0) {
    if (sizes.length > 0) notices.push(`wave ${sizes.length + 1} is added for the ${rest} hosts that the given waves leave over`);
    waves.push({ name: `wave ${sizes.length + 1}`, canary: false, first, count: rest });
  } else if (canary !== 0 && waves.length === 1) {
    notices.push(total === 1 ? "there is one host: it is its own canary" : `the canary is all ${total} hosts: nothing is tried on fewer first`);
  }
  return { waves, notices };
}
