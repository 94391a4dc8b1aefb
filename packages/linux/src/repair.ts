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

/**
 * Gives names private copies of the inode they share with others: content with its holes, attributes, owner, mode and times.
 * @param files rows of the names of each file; they get one copy together
 * @param quarantine open directory on the same mount, out of the guests' reach
 * @throws LinuxError ENOMEM, the file system's errors when writing back fails
 */
export async function makePrivate(
  tree: Tree,
  files: readonly (readonly number[])[],
  quarantine: number,
  control: JobControl,
): Promise<{ readonly copies: readonly PrivateCopy[]; readonly copied: number }> {
  const words = Uint32Array.from(files.flatMap((rows) => [rows.length, ...rows]));
  try {
    const { results, copied } = await native.privatize(tree.handle, { control: control.buffer, files: words, quarantine });
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
 * back if not, unless the guest itself has replaced the name since.
 * @param roots by guest, as numbered in the journal
 * @param journal records as `Swap.writeJournal` writes them
 * @param ended nanoseconds; directories changed later keep their time
 * @throws LinuxError
 */
export async function recoverRun(quarantine: number, roots: readonly JournalRoot[], journal: Uint8Array, ended: bigint): Promise<Recovered> {
  const numbers = Int32Array.from(roots, (root) => (root === "gone" ? -1 : root === "unreachable" ? -2 : root));
  try {
    return await native.recover({ quarantine, roots: numbers, journal, ended });
  } catch (error) {
    throw LinuxError.from(error);
  }
}
