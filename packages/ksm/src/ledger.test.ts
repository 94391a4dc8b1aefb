import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Counters } from "./counters.ts";
import { ledger, PAGE_BYTES, RMAP_ITEM_BYTES } from "./ledger.ts";
import type { GuestPages } from "./ledger.ts";

const guest = fc.record({
  name: fc.uuid(),
  processes: fc.nat(10),
  rmapItems: fc.nat(1_000_000),
  mergingPages: fc.nat(500_000),
  zeroPages: fc.nat(100_000),
  anonymous: fc.nat(1_000_000),
  proportional: fc.nat(1_000_000),
});

/** A host whose counters agree with its guests: Σ merging = shared + sharing. */
function hostOf(guests: readonly GuestPages[], keptPart: number): Counters {
  const mapped = guests.reduce((sum, one) => sum + one.mergingPages, 0);
  const pagesShared = Math.floor(mapped * keptPart);
  const zeroPages = guests.reduce((sum, one) => sum + one.zeroPages, 0);
  const rmap = guests.reduce((sum, one) => sum + one.rmapItems, 0);
  const pagesSharing = mapped - pagesShared;
  return {
    pagesShared,
    pagesSharing,
    pagesUnshared: 0,
    pagesVolatile: 0,
    fullScans: 1,
    pagesScanned: undefined,
    pagesSkipped: undefined,
    zeroPages,
    generalProfit: (pagesSharing + zeroPages) * PAGE_BYTES - rmap * RMAP_ITEM_BYTES,
  };
}

describe("the ledger", () => {
  it("adds up to the kernel's general_profit, whatever the guests hold", () => {
    fc.assert(
      fc.property(fc.array(guest, { minLength: 1, maxLength: 20 }), fc.double({ min: 0, max: 0.5, noNaN: true }), (guests, kept) => {
        const host = hostOf(guests, kept);
        const account = ledger(host, guests, { zramSameFilled: 0 });
        // One byte of rounding a guest.
        expect(Math.abs(account.claimed - (host.generalProfit ?? NaN))).toBeLessThanOrEqual(guests.length);
      }),
    );
  });

  it("gives equal guests equal parts", () => {
    const one: GuestPages = { name: "a", processes: 1, rmapItems: 51_200, mergingPages: 51_200, zeroPages: 0, anonymous: 209_715_200, proportional: 104_857_600 };
    const guests = [one, { ...one, name: "b" }];
    const rows = ledger(hostOf(guests, 0.5), guests, { zramSameFilled: 0 }).guests;
    expect(rows.map((row) => row.saving)).toEqual([101_580_800, 101_580_800]);
    expect(rows.map((row) => row.costRatio)).toEqual([1, 1]);
    expect(rows.map((row) => row.sharedNow)).toEqual([104_857_600, 104_857_600]);
  });

  it("shows a guest whose pages never merge as a loss", () => {
    const loser: GuestPages = { name: "noise", processes: 1, rmapItems: 1000, mergingPages: 0, zeroPages: 0, anonymous: 0, proportional: 0 };
    expect(ledger(hostOf([loser], 0), [loser], { zramSameFilled: 0 }).guests[0]).toMatchObject({ saving: -64_000, costRatio: Infinity });
  });
});
