import { KsmError } from "./ksm-error.ts";

/** What giving back one process's private copies will cost, and what its limits allow. Bytes. */
export interface UnmergeCandidate {
  readonly pid: number;
  readonly started: number;
  /** Merged and zero pages. */
  readonly merged: number;
  /** What its control groups still allow. */
  readonly headroom: number;
  readonly guest: string;
}

export interface UnmergeRoom {
  /** MemAvailable, bytes. */
  readonly memAvailable: number;
  /** MemTotal, bytes. */
  readonly memTotal: number;
  /** What all the copies need, bytes. */
  readonly copies: number;
}

/** Kept free beyond the copies: 2 % of memory and at least 64 MiB, so that the host still works while it copies. */
const MARGIN_FRACTION = 0.02;
const MARGIN_MIN = 64 * 1024 * 1024;

/** The margin of an un-merge in bytes. */
function unmergeMargin(memTotal: number): number {
  return Math.max(MARGIN_MIN, memTotal * MARGIN_FRACTION);
}

/**
 * May everything be un-merged now, and in which order? Pure. Every duplicate becomes a page of its own, so
 * MemAvailable must hold all the copies and a margin, and each process's limits its own copies.
 * @returns the stages, one a guest, smallest first: the early ones show whether the calculation holds
 * @throws KsmError no-room naming the host or the guest that lacks room
 */
export function planUnmerge(room: UnmergeRoom, candidates: readonly UnmergeCandidate[]): UnmergeCandidate[][] {
  const needed = room.copies + unmergeMargin(room.memTotal);
  if (needed > room.memAvailable)
    throw new KsmError(
      "no-room",
      "un-merge",
      `private copies need ${megabytes(needed)} MiB, ${megabytes(room.memAvailable)} MiB are available`,
      "free memory or stop a guest first; samepage ksm tune --set run=0 stops merging and keeps what is merged",
    );
  const stages = [...Map.groupBy(candidates, (candidate) => candidate.guest).values()];
  for (const stage of stages) {
    // Processes of one guest share its limit: their copies add up.
    const copies = copiesOf(stage);
    const headroom = Math.min(...stage.map((candidate) => candidate.headroom));
    if (copies > headroom)
      throw new KsmError(
        "no-room",
        stage[0]?.guest ?? "guest",
        `its private copies need ${megabytes(copies)} MiB, its memory limit has room for ${megabytes(headroom)} MiB`,
        "raise the guest's memory limit or stop the guest first",
      );
  }
  return stages.sort((a, b) => copiesOf(a) - copiesOf(b));
}

/** Bytes that the copies of these processes need. */
export function copiesOf(stage: readonly UnmergeCandidate[]): number {
  return stage.reduce((sum, candidate) => sum + candidate.merged, 0);
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1024 / 1024);
}
