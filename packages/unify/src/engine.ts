import { executePlan } from "./apply-plan.ts";
import { preparePlan, type PreparedPlan } from "./plan-unify.ts";
import type { DeunifyReport, GarbageReport, StatusReport, VerifyReport } from "./pool-report.ts";
import { UnifyError } from "./unify-error.ts";
import type { PoolOptions, UnifyOptions } from "./unify-options.ts";
import type { UnifyPlan } from "./unify-plan.ts";
import type { UnifyReport } from "./unify-report.ts";

const notYet = (what: string) => Promise.reject(new UnifyError("strategy-not-available", what, "is being built", "Wait for the next landing."));

/** Plans made in this process, with what apply needs besides. */
const prepared = new WeakMap<UnifyPlan, PreparedPlan>();

/** Finds what the guests could share and decides how, without changing anything. @throws UnifyError */
export async function planUnify(options: UnifyOptions): Promise<UnifyPlan> {
  const plan = await preparePlan(options);
  const shown: UnifyPlan = { report: plan.report, hash: plan.hash };
  prepared.set(shown, plan);
  return shown;
}

/**
 * Does what a plan of this process says; files that changed since are left alone.
 * @param options those the plan was made with
 * @throws UnifyError plan-outdated for a plan of another process, and those of a file system that refuses
 */
export async function applyPlan(plan: UnifyPlan, options: UnifyOptions): Promise<UnifyReport> {
  const own = prepared.get(plan);
  if (own === undefined) throw new UnifyError("plan-outdated", plan.hash, "is not a plan of this process", "Plan again and compare the hash.");
  return executePlan(own, options);
}

/** Makes identical files of the guests share storage. @throws UnifyError */
export async function unify(options: UnifyOptions): Promise<UnifyReport> {
  return executePlan(await preparePlan(options), options);
}

export const deunify = (_options: UnifyOptions): Promise<DeunifyReport> => notYet("deunify");
export const verifyPool = (_options: PoolOptions): Promise<VerifyReport> => notYet("verify");
export const unifyStatus = (_options: PoolOptions): Promise<StatusReport> => notYet("status");
export const collectGarbage = (_options: PoolOptions): Promise<GarbageReport> => notYet("gc");
