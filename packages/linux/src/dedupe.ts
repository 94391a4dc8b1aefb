import type { JobControl } from "./job-control.ts";
import { LinuxError } from "./linux-error.ts";
import { native } from "./native.ts";
import type { SwapOutcome } from "./swap.ts";
import { type Candidates, rowStates, type Tree } from "./tree.ts";

const resultWords = 6;

/** How an inode is stored. */
export interface Placement {
  /** Equal for inodes that share all their extents. */
  readonly place: bigint;
  /** Bytes on disk that no other file holds. */
  readonly exclusive: number;
  /** False when the content lies inside the inode, or it could not be read. */
  readonly shareable: boolean;
}

/**
 * Where the extents of inodes lie (FIEMAP).
 * @throws LinuxError ECANCELED
 */
export async function measureExtents(tree: Tree, candidates: Candidates, inodes: Uint32Array, threads: number, control: JobControl): Promise<(inode: number) => Placement> {
  // The results have room for every inode: hard links need none of it.
  if (inodes.length === 0) return () => ({ place: 0n, exclusive: 0, shareable: false });
  const results = await call(native.measureExtents(tree.handle, { control: control.buffer, words: inodes, threads }), candidates);
  return (inode) => ({ place: results.wide(inode, 0), exclusive: Number(results.wide(inode, 1)), shareable: results.state(inode) === "new" });
}

/**
 * Makes members share the canonical inode's extents; the kernel compares the bytes (FIDEDUPERANGE).
 * @param words groups one after the other: canonical inode, number of members, members
 * @throws LinuxError ENOMEM
 */
export async function dedupeExtents(tree: Tree, candidates: Candidates, words: Uint32Array, threads: number, control: JobControl): Promise<(inode: number) => SwapOutcome> {
  const results = await call(native.dedupe(tree.handle, { control: control.buffer, words, threads }), candidates);
  return (inode) => ({ state: results.state(inode), freed: Number(results.wide(inode, 1)) });
}

async function call(job: Promise<ArrayBuffer>, candidates: Candidates): Promise<Results> {
  try {
    return new Results(await job, candidates.inodeCount);
  } catch (error) {
    throw LinuxError.from(error);
  }
}

class Results {
  readonly #words: Uint32Array;
  readonly #wide: BigUint64Array;

  constructor(buffer: ArrayBuffer, inodes: number) {
    this.#words = new Uint32Array(buffer, 0, inodes * resultWords);
    this.#wide = new BigUint64Array(buffer, 0, (inodes * resultWords) / 2);
  }
  wide(inode: number, at: number): bigint {
    return this.#wide[(inode * resultWords) / 2 + at] ?? 0n;
  }
  state(inode: number): SwapOutcome["state"] {
    return rowStates[this.#words[inode * resultWords + 4] ?? 0] ?? "error";
  }
}
