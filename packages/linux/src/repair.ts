import type { JobControl } from "./job-control.ts";
import { LinuxError } from "./linux-error.ts";
import { native, type Recovered } from "./native.ts";
import { type RowState, rowStates, type Tree } from "./tree.ts";

export interface PrivateCopy {
  /** `done`: all names of the file now have an inode of their own. */
  readonly state: RowState;
  /** Bytes on disk that the copy takes. */
  readonly taken: number;
}

/** Names that were one file and get one copy together, and a name of their inode in the pool; as rows. */
export interface FileToSplit {
  readonly object: number;
  readonly names: readonly number[];
}

export interface PrivateOptions {
  /** Open directory on the same mount, out of the guests' reach. */
  readonly quarantine: number;
  /** Open file that gets what recovery needs, durably, before the first exchange. */
  readonly journal: number;
  readonly threads: number;
}

/**
 * Gives names private copies of the inode they share with others: content with its holes, attributes, owner, mode and times.
 * Cancelled, it resolves within 100 ms (after a write-back that has begun), what it did not reach `stopped`.
 * @throws LinuxError ENOMEM, the file system's errors when the journal or the copies cannot be written back
 */
export async function makePrivate(
  tree: Tree,
  files: readonly FileToSplit[],
  options: PrivateOptions,
  control: JobControl,
): Promise<{ readonly copies: readonly PrivateCopy[]; readonly copied: number }> {
  const words = Uint32Array.from(files.flatMap(({ object, names }) => [names.length, object, ...names]));
  try {
    const { results, copied } = await native.privatize(tree.handle, { control: control.buffer, files: words, ...options });
    const result = new Uint32Array(results);
    return { copied, copies: files.map((_, at) => ({ taken: (result[at * 2] ?? 0) * 512, state: rowStates[result[at * 2 + 1] ?? 0] ?? "new" })) };
  } catch (error) {
    throw LinuxError.from(error);
  }
}

/** A guest's root in a journal: an open directory, or why there is none. */
export type JournalRoot = number | "gone" | "unreachable";

/**
 * Settles what an interrupted run left in its quarantine: a displaced file goes if its name still shows the same bytes, goes
 * back if not, unless the guest itself has replaced the name since; private copies of which some names have their place get
 * the others. Sets immutable flags again, and the times of directories.
 * @param roots by guest and pool, as numbered in the journal
 * @param journal records as `Swap.writeJournal` and `makePrivate` write them
 * @param ended nanoseconds; directories changed later keep their time
 * @throws LinuxError
 */
export async function recoverRun(quarantine: number, roots: readonly JournalRoot[], journal: Uint8Array, ended: bigint): Promise<Recovered> {
  const numbers = Int32Array.from(roots, (root) => (root === "gone" ? -1 : root === "unreachable" ? -2 : root));
  try {
    const { damaged, ...counts } = await native.recover({ quarantine, roots: numbers, journal, ended });
    return { ...counts, damaged: Buffer.from(damaged).toString("latin1").split("\0").filter(Boolean) };
  } catch (error) {
    throw LinuxError.from(error);
  }
}
