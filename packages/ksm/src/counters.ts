import { readFileSync } from "node:fs";
import { join } from "node:path";

/** The kernel's KSM counters, in pages unless said otherwise. `undefined`: this kernel does not count it. */
export interface Counters {
  /** Kept pages. */
  readonly pagesShared: number;
  /** Further mappings of kept pages: the pages saved. */
  readonly pagesSharing: number;
  readonly pagesUnshared: number;
  readonly pagesVolatile: number;
  /** Passes over all mergeable memory. Not monotonic: an un-merge resets it. */
  readonly fullScans: number;
  readonly pagesScanned: number | undefined;
  readonly pagesSkipped: number | undefined;
  readonly zeroPages: number;
  /** Bytes: the kernel's own (pages_sharing + ksm_zero_pages) × page − rmap_items × 64. */
  readonly generalProfit: number | undefined;
}

/** Reads a number from a file; `undefined` when the file is not there. */
export function readNumber(path: string): number | undefined {
  try {
    return Number(readFileSync(path, "utf8").trim());
  } catch {
    return undefined;
  }
}

/** @param sysfs KSM's directory; call {@link import("./knob-files.ts").readKnobs} first to learn whether it exists */
export function readCounters(sysfs: string): Counters {
  const read = (name: string): number | undefined => readNumber(join(sysfs, name));
  return {
    pagesShared: read("pages_shared") ?? 0,
    pagesSharing: read("pages_sharing") ?? 0,
    pagesUnshared: read("pages_unshared") ?? 0,
    pagesVolatile: read("pages_volatile") ?? 0,
    fullScans: read("full_scans") ?? 0,
    pagesScanned: read("pages_scanned"),
    pagesSkipped: read("pages_skipped"),
    zeroPages: read("ksm_zero_pages") ?? 0,
    generalProfit: read("general_profit"),
  };
}
