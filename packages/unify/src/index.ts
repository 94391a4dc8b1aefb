export { defaultExcludes } from "./excludes-default.ts";
export { type ExcludeRule, type ExcludeVerdict, parseExcludes } from "./excludes.ts";
export type { Guest } from "./guest.ts";
export type { GuardedInode, InodeGuard } from "./inode-guard.ts";
export { type SkipReason, skipReasons } from "./skip-reason.ts";
export type { ChosenStrategy, GuardName, StrategyChoice } from "./strategy.ts";
export type { UnifyOptions, UnifyProgress } from "./unify-options.ts";
export type { UnifyReport } from "./unify-report.ts";
export { UnifyError, type UnifyErrorCode } from "./unify-error.ts";
