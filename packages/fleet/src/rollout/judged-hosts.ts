import type { RolloutPlan } from "./rollout-plan.ts";

/**
 * Indexes of the hosts by which a wave's gates judge: its own, and of a canary those that were tried, whichever they are.
 * @param fenceOf the last fence given to a host; 0: none.
 */
export function* judgedHosts(plan: RolloutPlan, wave: number, fenceOf: (index: number) => number): Generator<number> {
  const { canary = false, first = 0, count = 0 } = plan.waves[wave] ?? {};
  if (!canary) for (let index = first; index < first + count; index++) yield index;
  else for (const index of plan.hosts.keys()) if (fenceOf(index) > 0) yield index;
}
