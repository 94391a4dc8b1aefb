import type { DeunifyReport, GarbageReport, StatusReport, VerifyReport } from "./pool-report.ts";
import { UnifyError } from "./unify-error.ts";
import type { PoolOptions, UnifyOptions } from "./unify-options.ts";
import type { UnifyPlan } from "./unify-plan.ts";
import type { UnifyReport } from "./unify-report.ts";

const notYet = (what: string) => Promise.reject(new UnifyError("strategy-not-available", what, "is being built", "Wait for the next landing."));

export const planUnify = (_options: UnifyOptions): Promise<UnifyPlan> => notYet("plan");
export const applyPlan = (_plan: UnifyPlan, _options: UnifyOptions): Promise<UnifyReport> => notYet("apply");
export const unify = (_options: UnifyOptions): Promise<UnifyReport> => notYet("unify");
export const deunify = (_options: UnifyOptions): Promise<DeunifyReport> => notYet("deunify");
export const verifyPool = (_options: PoolOptions): Promise<VerifyReport> => notYet("verify");
export const unifyStatus = (_options: PoolOptions): Promise<StatusReport> => notYet("status");
export const collectGarbage = (_options: PoolOptions): Promise<GarbageReport> => notYet("gc");
