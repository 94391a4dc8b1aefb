import { createRequire } from "node:module";
import { LinuxError } from "./linux-error.ts";

/** A tree in native memory. */
export type TreeHandle = object & { readonly __tree: unique symbol };

/** A plan being applied, in native memory. */
export type SwapHandle = object & { readonly __swap: unique symbol };

/** A file system being watched, with a thread of its own until it is closed. */
export type WatchHandle = object & { readonly __watch: unique symbol };

/** What settling an interrupted run came to, in names. */
export interface Recovered {
  /** Files put back because they said something the shared one does not. */
  readonly restored: number;
  /** Files let go: their names show the same, or something newer. */
  readonly completed: number;
  /** Files of guests that could not be reached. */
  readonly pending: number;
  /** Objects, by latin1 path in their pool, that were written to while their immutable flag was lifted; they have lost that name. */
  readonly damaged: readonly string[];
}

/** The addon as it is: one function a native entry point, no convenience. Arguments are documented in native/addon-*.c. */
export interface Native {
  scan(config: {
    control: ArrayBuffer;
    guests: readonly { fd: number; space: number; pool: boolean; exact: Uint8Array }[];
    patterns: readonly { pattern: Uint8Array; verdict: number }[];
    tags: Uint32Array;
    minSize: number;
    threads: number;
    known: TreeHandle | undefined;
    changes: Uint8Array;
  }): Promise<TreeHandle>;
  /** Without `paths`: lists everything below `root`. */
  describe(config: { control: ArrayBuffer; root: number; paths: Uint8Array | undefined }): Promise<ArrayBuffer>;
  openBelow(root: number, path: Uint8Array, flags: number): number;
  setAttribute(fd: number, name: Uint8Array, value: Uint8Array): void;
  treeFailures(tree: TreeHandle): ArrayBuffer;
  treeLetGo(tree: TreeHandle): void;
  treeViews(tree: TreeHandle): { rows: ArrayBuffer; facts: ArrayBuffer; dirs: ArrayBuffer; names: ArrayBuffer; counts: ArrayBuffer };
  identify(
    tree: TreeHandle,
    config: {
      control: ArrayBuffer;
      identity: Uint8Array;
      ignoreMtime: boolean;
      index: ArrayBuffer | undefined;
      minThreads: number;
      maxThreads: number;
      dropCache: boolean;
    },
  ): Promise<{ order: ArrayBuffer; inodes: ArrayBuffer; grouped: ArrayBuffer; groupStart: ArrayBuffer }>;
  planHash(tree: TreeHandle, swaps: Uint32Array, reflinks: Uint32Array): ArrayBuffer;
  planPlain(tree: TreeHandle, config: { spaces: Uint32Array; held: BigUint64Array; words: Uint32Array; others: Uint32Array; fates: Uint8Array }): { words: number; others: number };
  countRows(tree: TreeHandle, config: { fates: Uint8Array; states: Uint8Array | undefined; freed: Float64Array | undefined }): ArrayBuffer;
  indexRecords(tree: TreeHandle, config: { gone: Uint8Array; old: ArrayBuffer }): Promise<ArrayBuffer | undefined>;
  measureExtents(tree: TreeHandle, config: { control: ArrayBuffer; words: Uint32Array; threads: number }): Promise<ArrayBuffer>;
  dedupe(tree: TreeHandle, config: { control: ArrayBuffer; words: Uint32Array; threads: number }): Promise<ArrayBuffer>;
  sharedPages(tree: TreeHandle, config: { control: ArrayBuffer; shown: Uint32Array; threads: number }): Promise<{ shared: number; saved: number }>;
  swapOpen(
    tree: TreeHandle,
    config: {
      control: ArrayBuffer;
      plan: Uint32Array;
      spaces: readonly { pool: number; quarantine: number; tag: number; guard: number; graceMs: number; sharesExtents: boolean }[];
      ignoreMtime: boolean;
      threads: number;
    },
  ): SwapHandle;
  swapJournal(swap: SwapHandle, step: { journal: number }): Promise<void>;
  swapPrepare(swap: SwapHandle, step: { from: number; to: number }): Promise<ArrayBuffer>;
  swapRun(swap: SwapHandle, step: { from: number; to: number }): Promise<void>;
  swapResults(swap: SwapHandle): ArrayBuffer;
  privatize(tree: TreeHandle, config: { control: ArrayBuffer; files: Uint32Array; quarantine: number; journal: number; threads: number }): Promise<{ results: ArrayBuffer; copied: number }>;
  recover(config: { quarantine: number; roots: Int32Array; journal: Uint8Array; ended: bigint }): Promise<Omit<Recovered, "damaged"> & { readonly damaged: ArrayBuffer }>;
  watchOpen(config: { directory: number; limit: number }): WatchHandle;
  watchTake(watch: WatchHandle, roots: Int32Array): Promise<{ state: number; entries: ArrayBuffer }>;
  watchClose(watch: WatchHandle): void;
  swapExposed(swap: SwapHandle): ArrayBuffer;
  swapLetGo(swap: SwapHandle): void;
  tryLock(fd: number): boolean;
  setImmutable(fd: number, on: boolean): boolean;
  setModified(fd: number, ns: bigint): void;
  directoryIdentity(path: string): string | undefined;
  setBackground(on: boolean): void;
}

/** All of them by name: an addon that was built from older sources would fail in the middle of a run. */
const functions: Readonly<Record<keyof Native, true>> = {
  scan: true,
  describe: true,
  openBelow: true,
  setAttribute: true,
  treeFailures: true,
  treeLetGo: true,
  treeViews: true,
  identify: true,
  planHash: true,
  planPlain: true,
  countRows: true,
  indexRecords: true,
  measureExtents: true,
  dedupe: true,
  sharedPages: true,
  swapOpen: true,
  swapJournal: true,
  swapPrepare: true,
  swapRun: true,
  swapResults: true,
  privatize: true,
  recover: true,
  watchOpen: true,
  watchTake: true,
  watchClose: true,
  swapExposed: true,
  swapLetGo: true,
  tryLock: true,
  setImmutable: true,
  setModified: true,
  directoryIdentity: true,
  setBackground: true,
};

/** @throws LinuxError ENOSYS naming what an addon of other sources lacks */
export function requireWhole(addon: Readonly<Record<string, unknown>>): void {
  const lacking = Object.keys(functions).filter((name) => typeof addon[name] !== "function");
  if (lacking.length > 0) throw new LinuxError("ENOSYS", `the native part of @samepage/linux is of another version: it lacks ${lacking.join(", ")}`, { hint: "Run npm run build, or install the package again." });
}

function load(): Native {
  let addon: Native;
  try {
    addon = createRequire(import.meta.url)("../build/linux.node");
  } catch (cause) {
    throw new LinuxError("ENOENT", "the native part of @samepage/linux is not built", { hint: "Run npm run build (needs gcc, make and libxxhash-dev).", cause });
  }
  requireWhole({ ...addon });
  return addon;
}

export const native = load();
