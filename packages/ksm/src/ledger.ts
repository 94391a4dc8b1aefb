import type { Counters } from "./counters.ts";

/** Bytes a page. KSM works on base pages only; both supported machines use 4 KiB with KSM in practice. */
export const PAGE_BYTES = 4096;
/** sizeof(struct ksm_rmap_item), one for every page that ksmd tracks (mm/ksm.c; 64 bytes on every 64-bit kernel). */
export const RMAP_ITEM_BYTES = 64;

/** One guest's sums over its processes' ksm_stat, and over smaps_rollup for the real side. */
export interface GuestPages {
  readonly name: string;
  readonly processes: number;
  readonly rmapItems: number;
  /** Kept pages and duplicates alike. */
  readonly mergingPages: number;
  readonly zeroPages: number;
  /** Bytes of anonymous memory mapped. */
  readonly anonymous: number;
  /** Bytes of it that the guest pays for when every sharer pays an equal part. */
  readonly proportional: number;
}

/** One guest's row, in bytes. */
export interface LedgerRow {
  readonly name: string;
  readonly processes: number;
  /** Mapped onto merged pages. */
  readonly merged: number;
  readonly zero: number;
  /** The kernel's bookkeeping for this guest's pages. */
  readonly overhead: number;
  /** The guest's part of the host's general_profit. */
  readonly saving: number;
  /** rmap items for every page merged or zero: above 64 the guest costs more than it saves. Infinity: nothing merged. */
  readonly costRatio: number;
  /** anonymous − proportional: includes what its own processes share since fork. */
  readonly sharedNow: number;
}

/** The host's account, in bytes. */
export interface Ledger {
  readonly guests: readonly LedgerRow[];
  /** The sum of the guests' savings. */
  readonly claimed: number;
  /** The kernel's own figure; `undefined` before Linux 6.4. */
  readonly generalProfit: number | undefined;
  /** MemAvailable now minus MemAvailable before the first change; the rest of the host moves it too. `undefined`: no record. */
  readonly memAvailableDelta: number | undefined;
  /** The sum over the guests of memory they map but share with somebody. */
  readonly sharedNow: number;
  /** Same-filled pages that zram keeps for nothing, beside KSM's own. */
  readonly zramSameFilled: number;
}

/**
 * Splits the kernel's general_profit over the guests so that the parts add up to it; pure.
 *
 *   saving_g = merging_g × page × sharing/(sharing + shared) + zero_g × page − rmap_g × 64
 *
 * because the sum of merging over all processes is shared + sharing: each guest bears kept pages in the proportion in
 * which it uses them. Counters move while they are read, so sums agree to within that movement.
 * @param guests every process on the host belongs to exactly one of them, or the sum is short
 */
export function ledger(
  host: Counters,
  guests: readonly GuestPages[],
  real: { readonly memAvailableDelta?: number | undefined; readonly zramSameFilled: number },
): Ledger {
  const mapped = host.pagesSharing + host.pagesShared;
  const kept = mapped === 0 ? 0 : host.pagesSharing / mapped;
  const rows = guests.map((guest): LedgerRow => {
    const useful = guest.mergingPages + guest.zeroPages;
    return {
      name: guest.name,
      processes: guest.processes,
      merged: guest.mergingPages * PAGE_BYTES,
      zero: guest.zeroPages * PAGE_BYTES,
      overhead: guest.rmapItems * RMAP_ITEM_BYTES,
      saving: Math.round(guest.mergingPages * PAGE_BYTES * kept) + guest.zeroPages * PAGE_BYTES - guest.rmapItems * RMAP_ITEM_BYTES,
      costRatio: useful === 0 ? Infinity : guest.rmapItems / useful,
      sharedNow: guest.anonymous - guest.proportional,
    };
  });
  const sum = (pick: (row: LedgerRow) => number): number => rows.reduce((total, row) => total + pick(row), 0);
  return {
    guests: rows.toSorted((a, b) => b.saving - a.saving),
    claimed: sum((row) => row.saving),
    generalProfit: host.generalProfit,
    memAvailableDelta: real.memAvailableDelta,
    sharedNow: sum((row) => row.sharedNow),
    zramSameFilled: real.zramSameFilled,
  };
}
