import type { UndoJob } from "./undo-job.ts";

/** Rebases the address stored at a relocated place; 0 means "none" and stays. */
export function rebasePlace(job: UndoJob, offset: number): void {
  const value = job.out.word(offset);
  if (value !== 0n) job.out.setWord(offset, job.map.toOriginal(value));
}
