import { applyPlan, collectGarbage, deunify, planUnify, verifyPool } from "@samepage/unify";

/** What does the work on this host: the functions of `@samepage/unify`. A load simulator hands in some that only take time. */
export interface Engine {
  readonly planUnify: typeof planUnify;
  readonly applyPlan: typeof applyPlan;
  readonly deunify: typeof deunify;
  readonly verifyPool: typeof verifyPool;
  readonly collectGarbage: typeof collectGarbage;
}

export const unifyEngine: Engine = { planUnify, applyPlan, deunify, verifyPool, collectGarbage };
