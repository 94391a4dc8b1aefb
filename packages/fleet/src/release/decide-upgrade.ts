import { compareVersions } from "../selectors/compare-versions.ts";

/** What a host has and is asked for, as versions. */
export interface UpgradeFacts {
  readonly wanted: string;
  readonly running: string;
  /** The one that ran before this one and is still on the host; undefined: none. */
  readonly previous: string | undefined;
}

/**
 * Whether an agent takes another version's place. Only forward, so that whoever holds the controller cannot bring back a hole
 * that was closed by replaying an old release, signature and all; except to the version that this host ran just before.
 * - `same`: it runs already. `fetch`: a newer one. `back`: the one before, which is still here. `older`: refused.
 */
export function decideUpgrade({ wanted, running, previous }: UpgradeFacts): "same" | "fetch" | "back" | "older" {
  if (wanted === running) return "same";
  if (wanted === previous) return "back";
  return compareVersions(wanted, running) > 0 ? "fetch" : "older";
}
