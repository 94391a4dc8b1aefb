import type { Guest } from "./guest.ts";
import type { ChosenStrategy, GuardName, StrategyChoice } from "./strategy.ts";
import { UnifyError } from "./unify-error.ts";

export interface StrategyQuestion {
  readonly strategy: StrategyChoice;
  readonly guard: GuardName | undefined;
  /** Whether the caller has a copy-on-write guard running. */
  readonly hasCowGuard: boolean;
  readonly mountPoint: string;
  readonly type: string;
  readonly readOnly: boolean;
  readonly states: readonly Guest["state"][];
  /** Whether the host's own root is among the guests. */
  readonly hasHost: boolean;
}

/** File systems whose kernel code implements FIDEDUPERANGE. */
const reflinking = new Set(["xfs", "btrfs"]);

/** Whether files of this type of file system may hold extents together. */
export function canShareExtents(type: string): boolean {
  return reflinking.has(type);
}

/** File systems whose inodes the copy-on-write guard can tell apart and copy. */
const guardable = new Set(["ext4", "xfs", "btrfs"]);

const guardReasons: Readonly<Record<GuardName, string>> = {
  cow: "a guest's write gets a private copy",
  immutable: "shared files refuse writes and removal until deunified",
  none: "a guest's write in place changes every guest",
};

/**
 * Picks how files of one file system come to share, and says why in a sentence.
 * @throws UnifyError unknown-strategy, unknown-guard, guard-not-available, strategy-not-available, read-only-file-system
 */
export function chooseStrategy(question: StrategyQuestion): ChosenStrategy {
  const { strategy, guard, mountPoint, type } = question;
  const hasCowGuard = question.hasCowGuard && guardable.has(type);
  if (!["auto", "hardlink", "reflink"].includes(strategy)) {
    throw new UnifyError("unknown-strategy", strategy, "is no strategy", "Use auto, hardlink or reflink.");
  }
  if (guard !== undefined && !["cow", "immutable", "none"].includes(guard)) throw new UnifyError("unknown-guard", guard, "is no guard", "Use cow, immutable or none.");
  if (guard === "cow" && !question.hasCowGuard) {
    throw new UnifyError("guard-not-available", "guard cow", "is not running on this host", "See samepage doctor for what the kernel lacks, or use --guard immutable.");
  }
  if (guard === "cow" && !hasCowGuard) throw new UnifyError("guard-not-available", mountPoint, `is ${type}, which guard cow cannot watch over`, "It works on ext4, XFS and btrfs; use --guard immutable here.");
  if (question.readOnly) throw new UnifyError("read-only-file-system", mountPoint, "is mounted read-only", "Remount it read-write, or leave its guests out.");
  if (strategy === "reflink") {
    if (!reflinking.has(type)) {
      throw new UnifyError("strategy-not-available", mountPoint, `is ${type}, which cannot share extents`, "Use --strategy hardlink; reflink needs XFS or btrfs.");
    }
    return reflink("as asked");
  }
  if (strategy === "hardlink" && guard === undefined && !hasCowGuard && question.hasHost) {
    throw new UnifyError(
      "guard-not-available",
      "guard cow",
      `is not there for ${mountPoint}, and the host's own files are among those to share: made immutable, they would stop its package manager`,
      "See samepage doctor for what is missing, leave the host out, or name --guard immutable to do it all the same.",
    );
  }
  if (strategy === "hardlink" || guard !== undefined) return hardlink(guard ?? (hasCowGuard ? "cow" : "immutable"), "as asked");
  if (hasCowGuard) return hardlink("cow", "this kernel can give a writer a private copy");
  if (reflinking.has(type)) return reflink(`${type} can share extents, and no copy-on-write guard is running`);
  if (question.states.every((state) => state === "stopped")) return hardlink("immutable", "all guests here are stopped");
  return {
    strategy: "nothing",
    guard: "none",
    reason: `no copy-on-write guard is running, ${type} cannot share extents, and a guest here may be running, which immutable files would hinder; --strategy hardlink shares anyway`,
  };
}

function hardlink(guard: GuardName, why: string): ChosenStrategy {
  return { strategy: "hardlink", guard, reason: `hard links, ${why}: saves disk and page cache; ${guardReasons[guard]}` };
}

function reflink(why: string): ChosenStrategy {
  return { strategy: "reflink", guard: "none", reason: `reflinks, ${why}: saves disk, not page cache; writes stay private by the file system` };
}
