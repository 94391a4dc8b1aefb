export type { Guest } from "./guest.ts";
export type { GuardedInode, InodeGuard } from "./inode-guard.ts";
export { type SkipReason, skipReasons } from "./skip-reason.ts";
export type { ChosenStrategy, GuardName, StrategyChoice } from "./strategy.ts";
export type { UnifyOptions, UnifyProgress } from "./unify-options.ts";
export type { UnifyReport } from "./unify-report.ts";
