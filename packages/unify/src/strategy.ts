/** How identical files are made to share. `auto` picks per file system (DESIGN: hardlink+cow, reflink, hardlink+immutable for stopped guests, else nothing). */
export type StrategyChoice = "auto" | "hardlink" | "reflink";

/** What protects a shared inode from a guest's write. */
export type GuardName = "cow" | "immutable" | "none";

/** What was chosen for one file system, and why. */
export interface ChosenStrategy {
  readonly strategy: "hardlink" | "reflink" | "nothing";
  readonly guard: GuardName;
  /** One sentence for the operator: why this one, and what it saves (disk, page cache). */
  readonly reason: string;
}
