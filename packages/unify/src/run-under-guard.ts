import { closeSync, constants, fstatSync, openSync } from "node:fs";
import type { Swap } from "@samepage/linux";
import type { GuardedInode, InodeGuard } from "./inode-guard.ts";
import type { RunControl } from "./run-control.ts";
import { UnifyError } from "./unify-error.ts";

/** Canonical inodes marked together: bounded by descriptors (two each), large because each batch ends with the grace period. */
const groupsAtOnce = 4096;

/** The canonical inode of a group, while its batch runs. */
interface Canonical extends GuardedInode {
  readonly group: number;
}

/**
 * Runs the groups of a swap, each canonical inode marked before anything is linked to it. A group whose inode cannot be
 * marked now, because somebody is just opening it, is left out; marks of inodes that came to share nothing are lifted.
 * @returns the groups left out
 * @throws UnifyError guard-not-available
 */
export async function runUnderGuard(swap: Swap, guard: InodeGuard, run: RunControl): Promise<ReadonlySet<number>> {
  const leftOut = new Set<number>();
  for (let from = 0; from < swap.groupCount && run.stopped === undefined; from += groupsAtOnce) {
    await run.rested();
    const to = Math.min(from + groupsAtOnce, swap.groupCount);
    const leased = await swap.prepare(from, to);
    // The swap closes its own descriptors, and with them the leases, as soon as each group is done.
    const canonicals = reopen(leased, from);
    try {
      const held = canonicals.map((canonical) => ({ ...canonical, fd: leased[canonical.group - from] ?? -1 }));
      for (const group of await markEach(held, guard, run)) leftOut.add(group);
      for (const [first, end] of runsWithout(leftOut, from, to)) await swap.run(first, end);
    } finally {
      await liftUnshared(canonicals, swap.exposed(), guard);
      for (const { fd } of canonicals) closeSync(fd);
    }
  }
  return leftOut;
}

function reopen(leased: Int32Array, from: number): Canonical[] {
  return [...leased].flatMap((fd, at) => {
    if (fd < 0) return [];
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return [{ group: from + at, fd: openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY | constants.O_NONBLOCK), dev, ino }];
  });
}

/** Marks what can be marked; halves what cannot until the culprits are alone. @returns their groups */
async function markEach(canonicals: readonly Canonical[], guard: InodeGuard, run: RunControl): Promise<number[]> {
  if (run.stopped !== undefined) return canonicals.map(({ group }) => group);
  if (canonicals.length === 0) return [];
  try {
    await guard.mark(canonicals, run.signal);
    return [];
  } catch (cause) {
    if (run.stopped !== undefined) return canonicals.map(({ group }) => group);
    if (!isBusy(cause)) throw new UnifyError("guard-not-available", "guard cow", "could not guard the files to be shared", "See the cause; nothing of this batch was shared.", { cause });
    if (canonicals.length === 1) return canonicals.map(({ group }) => group);
    const middle = canonicals.length >> 1;
    return [...(await markEach(canonicals.slice(0, middle), guard, run)), ...(await markEach(canonicals.slice(middle), guard, run))];
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "busy";
}

/**
 * A guest's own file that stayed alone would have its next attribute refused, for nothing. Link counts do not tell: the guest may have
 * removed a name of its own meanwhile. What was marked before this run, the guard keeps.
 */
async function liftUnshared(canonicals: readonly Canonical[], exposed: ReadonlySet<number>, guard: InodeGuard): Promise<void> {
  const alone = canonicals.filter(({ group }) => !exposed.has(group));
  // Also after a cancel: what is lifted now needs no run later.
  if (alone.length > 0) await guard.unmark(alone, new AbortController().signal);
}

/** [from, to) without some numbers, as ranges. */
export function runsWithout(leftOut: ReadonlySet<number>, from: number, to: number): [number, number][] {
  const ranges: [number, number][] = [];
  for (let at = from; at < to; at++) {
    if (leftOut.has(at)) continue;
    const last = ranges.at(-1);
    if (last?.[1] === at) last[1] = at + 1;
    else ranges.push([at, at + 1]);
  }
  return ranges;
}
