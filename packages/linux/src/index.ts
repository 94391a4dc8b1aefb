export { describeBelow, type Description, listBelow, type ListedName } from "./describe.ts";
export { setImmutable, setModified, tryLock } from "./file.ts";
export { JobControl } from "./job-control.ts";
export { LinuxError } from "./linux-error.ts";
export { openBelow, setAttribute } from "./open-below.ts";
export type { Recovered } from "./native.ts";
export { type JournalRoot, makePrivate, type PrivateCopy, recoverRun } from "./repair.ts";
export { Swap, type SwapOptions, type SwapOutcome, type SwapSpace } from "./swap.ts";
export { cachedPages, Candidates, type ExactPath, identifyTree, type IdentifyOptions, type RowState, type ScanGuest, type ScanOptions, scanTrees, Tree, type TreeCounts } from "./tree.ts";
