import { percentOf } from "../share.ts";
import type { RolloutDraft } from "./rollout-draft.ts";

/**
 * Why the failure budget is used up, or null while it is not.
 * @param complete judge a percentage whatever the sample: at the end of the canary, and at the very end.
 */
export function judgeBudget(draft: RolloutDraft, complete: boolean): string | null {
  const { limit, minimumSample } = draft.plan.policy.failureBudget;
  const { failed, succeeded } = draft.counts;
  const finished = failed + succeeded;
  if (failed === 0) return null;
  if (typeof limit === "number") {
    return failed > limit ? `${failed} hosts failed, ${limit} may` : null;
  }
  if (finished < minimumSample && !complete) return null;
  if (failed * 100 <= percentOf(limit) * finished) return null;
  return `${failed} of ${finished} finished hosts failed (${Math.round((failed * 1000) / finished) / 10} %), ${limit} may`;
}
