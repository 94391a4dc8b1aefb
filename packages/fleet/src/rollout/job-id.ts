import type { RolloutPlan } from "./rollout-plan.ts";

/** The id of the job that a rollout has for one of its hosts: the same for every fence, never for another host or rollout. */
export function jobIdOf(plan: RolloutPlan, index: number): string {
  return `${plan.id}.${index}`;
}

/** The index of the host that a job is for; undefined where the id is no job of this plan. */
export function hostIndexOf(plan: RolloutPlan, jobId: string): number | undefined {
  const match = /^([A-Za-z0-9-]+)\.(\d{1,9})$/u.exec(jobId);
  if (match === null || match[1] !== plan.id) return undefined;
  const index = Number(match[2]);
  return index < plan.hosts.length && jobIdOf(plan, index) === jobId ? index : undefined;
}
