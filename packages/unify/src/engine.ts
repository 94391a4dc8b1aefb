import { preparePlan, type PreparedPlan } from "./plan-unify.ts";
import type { DeunifyReport, GarbageReport, StatusReport, VerifyReport } from "./pool-report.ts";
import { UnifyError } from "./unify-error.ts";
import type { PoolOptions, UnifyOptions } from "./unify-options.ts";
import type { UnifyPlan } from "./unify-plan.ts";
import type { UnifyReport } from "./unify-report.ts";

/*
 * What only one of the functions needs is loaded when it is called: a plan is often asked for by a command that ends with
 * it, and starting is a good part of what that costs.
 */

/** Plans made in this process, with what apply needs besides. */
const prepared = new WeakMap<UnifyPlan, PreparedPlan>();

/** Finds what the guests could share and decides how, without changing anything. @throws UnifyError */
export async function planUnify(options: UnifyOptions): Promise<UnifyPlan> {
  const plan = await preparePlan(options);
  const shown: UnifyPlan = {
    report: plan.report,
    hash: plan.hash,
    [Symbol.dispose]: () => {
      prepared.delete(shown);
      plan.prepared?.tree[Symbol.dispose]();
    },
  };
  prepared.set(shown, plan);
  return shown;
}

/**
 * Does what a plan of this process says, after settling what an interrupted run has left; files that changed since are left alone.
 * @param options those the plan was made with
 * @throws UnifyError plan-outdated for a plan of another process or one that was applied before, and those of a file system that refuses
 */
export async function applyPlan(plan: UnifyPlan, options: UnifyOptions): Promise<UnifyReport> {
  const own = prepared.get(plan);
  if (own === undefined) throw new UnifyError("plan-outdated", plan.hash, "is not a plan of this process, or was applied before", "Plan again and compare the hash.");
  prepared.delete(plan);
  const { executePlan } = await import("./apply-plan.ts");
  return executePlan(own, options);
}

/** Makes identical files of the guests share storage, after settling what an interrupted run has left. @throws UnifyError */
export async function unify(options: UnifyOptions): Promise<UnifyReport> {
  const { executePlan } = await import("./apply-plan.ts");
  return executePlan(await preparePlan(options), options);
}

/** Gives back private copies; names that were hard links to each other before they were unified are so again. @throws UnifyError */
export async function deunify(options: UnifyOptions): Promise<DeunifyReport> {
  const { deunifyGuests } = await import("./deunify.ts");
  return deunifyGuests(options);
}

/** Re-reads pool objects against their digests. @throws UnifyError */
export async function verifyPool(options: PoolOptions): Promise<VerifyReport> {
  const { verifyPools } = await import("./verify-pool.ts");
  return verifyPools(options);
}

/** How pools and guests stand. @throws UnifyError */
export async function unifyStatus(options: PoolOptions): Promise<StatusReport> {
  const { readStatus } = await import("./unify-status.ts");
  return readStatus(options);
}

/** Removes pool objects that no guest uses any more. @throws UnifyError */
export async function collectGarbage(options: PoolOptions): Promise<GarbageReport> {
  const { collectPools } = await import("./collect-garbage.ts");
  return collectPools(options);
}
