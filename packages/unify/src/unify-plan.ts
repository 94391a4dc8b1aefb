import type { UnifyReport } from "./unify-report.ts";

/**
 * A plan is what apply executes and what a dry run prints. It keeps the scanned tree in native memory, so it
 * lives in the process that made it; another process plans again and compares `hash`. Disposing of it, or applying it,
 * lets the guests go: until then their file systems cannot be unmounted.
 */
export interface UnifyPlan extends Disposable {
  /** The prediction: `dryRun` is true. */
  readonly report: UnifyReport;
  /** SHA-256 (hex) over every intended swap: inode, size and times of what is replaced and by what. Equal trees and options give equal hashes. */
  readonly hash: string;
}
