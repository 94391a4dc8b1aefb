import type { Counters } from "./counters.ts";
import type { KsmSample } from "./ksm-sample.ts";

const GIB = 1024 ** 3;

/** A quiet sample of an 8 GiB host with nothing merged, with the differences given. */
export function sampleAt(at: number, differences: Partial<Omit<KsmSample, "counters">> & { readonly counters?: Partial<Counters> }): KsmSample {
  return {
    at,
    ksmdCpuNs: 0,
    cowBreaks: 0,
    memAvailable: 6 * GIB,
    memTotal: 8 * GIB,
    memoryPressure: { some: 0, full: 0 },
    cpuPressure: { some: 0, full: 0 },
    members: 0,
    ...differences,
    counters: {
      pagesShared: 0,
      pagesSharing: 0,
      pagesUnshared: 0,
      pagesVolatile: 0,
      fullScans: 0,
      pagesScanned: 0,
      pagesSkipped: 0,
      zeroPages: 0,
      generalProfit: 0,
      ...differences.counters,
    },
  };
}
