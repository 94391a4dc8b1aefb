import { describe, expect, it } from "vitest";
import { estimate } from "./estimate.ts";

describe("the estimate", () => {
  it("counts all but the kept copy, less the bookkeeping", () => {
    const sample = (guest: string) => ({ guest, present: 64, read: 64, zero: 0, hashes: ["aa00"] });
    const result = estimate([sample("a"), sample("b")], 64, false, 256);
    // 128 pages, 64 contents: 64 pages saved.
    expect(result.profit).toBe(64 * 4096 - 128 * 64);
    expect(result.guests.map((guest) => guest.saving)).toEqual([32 * 4096, 32 * 4096]);
  });

  it("promises nothing for pages that nobody else has, and says what they would cost", () => {
    expect(estimate([{ guest: "a", present: 128, read: 128, zero: 0, hashes: ["a", "b"] }], 64, true, 256).profit).toBe(-128 * 64);
  });

  it("keeps one page in max_page_sharing, unless zero pages cost nothing", () => {
    const zeros = [{ guest: "a", present: 512, read: 512, zero: 512, hashes: [] }];
    expect(estimate(zeros, 64, true, 256).guests[0]?.saving).toBe(512 * 4096);
    expect(estimate(zeros, 64, false, 256).guests[0]?.saving).toBe(510 * 4096);
  });
});
