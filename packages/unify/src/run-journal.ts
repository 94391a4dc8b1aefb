import { closeSync, constants, openSync, writeSync } from "node:fs";
import type { PoolRun } from "./pool-place.ts";

/**
 * Makes the journal of a run and lets `write` append its records, which makes all of it durable before the first exchange.
 * @param roots absolute paths of the guests and, after them, the pools, as the records number them
 */
export async function withJournal<T>({ journal }: PoolRun, roots: readonly string[], write: (journal: number) => Promise<T>): Promise<T> {
  const fd = openSync(journal, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND, 0o600);
  try {
    writeSync(fd, `${JSON.stringify({ version: 1, guests: roots })}\n`);
    return await write(fd);
  } finally {
    closeSync(fd);
  }
}
