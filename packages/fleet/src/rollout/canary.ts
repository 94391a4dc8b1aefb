import type { RolloutDraft } from "./rollout-draft.ts";

/** Whether the rollout is in its canary wave. It works on as many hosts as were asked for: its own, and for those that cannot be worked on now the next ones of the order that can. */
export function isInCanary({ plan, course }: RolloutDraft): boolean {
  return plan.waves[course.wave]?.canary === true;
}

/** Whether the host was given the operation and may still say, or has said, what comes of it. */
export function isTried(draft: RolloutDraft, index: number): boolean {
  return draft.fence(index) > 0 && draft.phase(index) !== "skipped";
}

/** How many more hosts a canary wave tries; 0 or less: enough. */
export function untriedPlaces(draft: RolloutDraft): number {
  let places = draft.plan.waves[draft.course.wave]?.count ?? 0;
  for (const index of draft.plan.hosts.keys()) if (isTried(draft, index)) places--;
  return places;
}
