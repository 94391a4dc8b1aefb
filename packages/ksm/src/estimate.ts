import { PAGE_BYTES, RMAP_ITEM_BYTES } from "./ledger.ts";

/** One guest's pages as sampled by content (native/ksm-sample.c). */
export interface PageSample {
  readonly guest: string;
  /** Present private anonymous pages. */
  readonly present: number;
  /** Pages read; fewer than present when the limit was reached. */
  readonly read: number;
  readonly zero: number;
  /** Hashes of the non-zero pages in the sample, one entry a page: equal entries are equal pages. */
  readonly hashes: readonly string[];
}

export interface GuestEstimate {
  readonly guest: string;
  readonly pages: number;
  /** Bytes that this guest's pages would save, its part of what is kept counted against it. */
  readonly saving: number;
  /** Bytes of kernel bookkeeping. */
  readonly overhead: number;
  /** saving − overhead. */
  readonly profit: number;
}

export interface Estimate {
  readonly guests: readonly GuestEstimate[];
  readonly profit: number;
}

/**
 * Predicts what merging these guests would give; pure. In a sample by content a page is present with all its copies or
 * with none, so the copies counted are exact and the count scales by the sampling rate. A guest that was not read to
 * its end is scaled by the part read, which can only overlook duplicates: the estimate errs low.
 * @param sampleRate one page content in so many is in the sample
 * @param zeroPages would use_zero_pages be on? Without it zero pages merge like any other content.
 * @param maxPageSharing mappings one kept page may have; more copies keep more pages
 */
export function estimate(samples: readonly PageSample[], sampleRate: number, zeroPages: boolean, maxPageSharing: number): Estimate {
  const copies = new Map<string, number>();
  for (const sample of samples) for (const hash of sample.hashes) copies.set(hash, (copies.get(hash) ?? 0) + 1);
  const zeros = samples.reduce((sum, sample) => sum + sample.zero, 0);
  const guests = samples.map((sample): GuestEstimate => {
    let saved = sample.zero * (zeroPages ? 1 : keptShare(zeros, maxPageSharing));
    for (const hash of sample.hashes) saved += keptShare(copies.get(hash) ?? 1, maxPageSharing) * sampleRate;
    const scale = sample.read === 0 ? 0 : sample.present / sample.read;
    const saving = Math.round(saved * scale * PAGE_BYTES);
    const overhead = sample.present * RMAP_ITEM_BYTES;
    return { guest: sample.guest, pages: sample.present, saving, overhead, profit: saving - overhead };
  });
  return { guests, profit: guests.reduce((sum, guest) => sum + guest.profit, 0) };
}

/** The part of a page that one of `count` equal copies saves: all but the kept ones, spread evenly. */
function keptShare(count: number, maxPageSharing: number): number {
  return count < 2 ? 0 : (count - Math.ceil(count / maxPageSharing)) / count;
}
