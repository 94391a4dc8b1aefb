import type { JobControl } from "./job-control.ts";
import { LinuxError } from "./linux-error.ts";
import { native, type SwapHandle } from "./native.ts";
import type { Candidates, RowState, Tree } from "./tree.ts";
import { rowStates } from "./tree.ts";

const guardNumber = { none: 0, immutable: 1, cow: 2 } as const;

export interface SwapSpace {
  /** Open directories; -1 for a space in which nothing is to be done: its members end as `error`. `quarantine` is this run's own, on the same mount as the guests, out of their reach. */
  readonly pool: number;
  readonly quarantine: number;
  /** The domain's mark in the names of objects. 0 … 2^32-1. */
  readonly tag: number;
  readonly guard: keyof typeof guardNumber;
  /** Milliseconds for which a displaced inode waits at least for a late writer before it is given up. */
  readonly graceMs: number;
  /** Whether files of this file system may hold extents together: what a displaced one frees is then asked for, else its blocks are counted. */
  readonly sharesExtents: boolean;
}

export interface SwapOptions {
  /** Groups one after the other: canonical inode, number of members, members. Inodes are numbered as in `Candidates`. */
  readonly plan: Uint32Array;
  /** By number of space. */
  readonly spaces: readonly SwapSpace[];
  readonly ignoreMtime: boolean;
  readonly threads: number;
}

export interface SwapOutcome {
  /** `done`: every name of the inode is now the canonical one's. */
  readonly state: RowState;
  /** Bytes that went free on disk. */
  readonly freed: number;
}

/**
 * Makes names links to another inode. Each member is leased, compared byte by byte with the canonical inode, exchanged in
 * one step, checked, and kept for its space's grace in case somebody opened it in that very moment; see native/swap.c.
 */
export class Swap implements Disposable {
  readonly groupCount: number;
  readonly #handle: SwapHandle;

  constructor(tree: Tree, options: SwapOptions, control: JobControl) {
    this.#handle = native.swapOpen(tree.handle, {
      control: control.buffer,
      plan: options.plan,
      spaces: options.spaces.map(({ guard, ...rest }) => ({ ...rest, guard: guardNumber[guard] })),
      ignoreMtime: options.ignoreMtime,
      threads: options.threads,
    });
    let groups = 0;
    for (let at = 0; at < options.plan.length; at += 2 + (options.plan[at + 1] ?? 0)) groups++;
    this.groupCount = groups;
  }

  /**
   * Writes the file system back on which an open journal lies, and appends the intents to it, durably. Each file system of the
   * plan needs a journal of its own before anything is done there.
   * @throws LinuxError the file system's errors, ECANCELED
   */
  async writeJournal(journal: number): Promise<void> {
    await native.swapJournal(this.#handle, { journal }).catch(rethrow);
  }

  /** Opens and leases the canonical inodes of groups [from, to), for a guard to be put on them; a negative number is -errno. The swap keeps the descriptors. */
  async prepare(from: number, to: number): Promise<Int32Array> {
    return new Int32Array(await native.swapPrepare(this.#handle, { from, to }).catch(rethrow));
  }

  /** Executes groups [from, to). A cancelled run resolves within 100 ms, what it did not reach `stopped`. */
  async run(from: number, to: number): Promise<void> {
    await native.swapRun(this.#handle, { from, to }).catch(rethrow);
  }

  /** Gives the pools, quarantines and canonical files back; the outcomes stay. */
  [Symbol.dispose](): void {
    native.swapLetGo(this.#handle);
  }

  /** Groups whose canonical inode a name of some member led to, if only until it was put back: whoever used that name then may hold the inode still. */
  exposed(): ReadonlySet<number> {
    const flags = new Uint8Array(native.swapExposed(this.#handle));
    return new Set(flags.keys().filter((group) => flags[group] === 1));
  }

  /** What became of each inode of the candidates. */
  outcomes(candidates: Candidates): (inode: number) => SwapOutcome {
    const words = new Uint32Array(native.swapResults(this.#handle));
    if (words.length !== candidates.inodeCount * 2) throw new LinuxError("EINVAL", "these are not the candidates of this swap");
    return (inode) => ({ freed: (words[inode * 2] ?? 0) * 512, state: rowStates[words[inode * 2 + 1] ?? 0] ?? "new" });
  }
}

function rethrow(error: unknown): never {
  throw LinuxError.from(error);
}
