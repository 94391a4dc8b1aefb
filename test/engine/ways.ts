import type { LoopFsType } from "@samepage/test-support";
import type { GuardName, StrategyChoice } from "@samepage/unify";

/** A strategy and guard that can be asked for on a file system without a guard of running guests. */
export interface Way {
  readonly strategy: StrategyChoice;
  readonly guard: GuardName;
}

const links: readonly Way[] = [
  { strategy: "hardlink", guard: "none" },
  { strategy: "hardlink", guard: "immutable" },
];

/** Every strategy and guard by file system; ext4 has no reflinks. */
export const ways: Readonly<Record<LoopFsType, readonly Way[]>> = {
  ext4: links,
  xfs: [...links, { strategy: "reflink", guard: "none" }],
  btrfs: [...links, { strategy: "reflink", guard: "none" }],
};
