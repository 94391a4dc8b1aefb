/** Bytes saved, predicted or real. Whole numbers. */
export interface Saving {
  /** Bytes freed on disk. */
  readonly diskBytes: number;
  /** Bytes of page cache that are now shared instead of held twice. */
  readonly cacheBytes: number;
  /** Bytes of anonymous memory merged by KSM. */
  readonly memoryBytes: number;
}

export const NO_SAVING: Saving = { diskBytes: 0, cacheBytes: 0, memoryBytes: 0 };

/** The sum of two savings. */
export function addSavings(a: Saving, b: Saving): Saving {
  return {
    diskBytes: a.diskBytes + b.diskBytes,
    cacheBytes: a.cacheBytes + b.cacheBytes,
    memoryBytes: a.memoryBytes + b.memoryBytes,
  };
}
