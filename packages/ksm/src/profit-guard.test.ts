import { describe, expect, it } from "vitest";
import type { LedgerRow } from "./ledger.ts";
import { profitGuard } from "./profit-guard.ts";
import type { ProfitHistory } from "./profit-guard.ts";

function row(name: string, costRatio: number): LedgerRow {
  return { name, processes: 1, merged: 0, zero: 0, overhead: 0, saving: 0, costRatio, sharedNow: 0 };
}

describe("the profit guard", () => {
  it("names a guest that stays above 64 tracked pages for each useful one, and no other", () => {
    let history: ProfitHistory = new Map();
    const named = [65, 200, Infinity].map((ratio) => {
      const verdict = profitGuard(history, [row("noise", ratio), row("good", 64)], true);
      ({ history } = verdict);
      return verdict.optOut;
    });
    expect(named).toEqual([[], [], ["noise"]]);
  });

  it("starts again when the guest was worth it once, and judges nobody before the host has settled", () => {
    let history: ProfitHistory = new Map();
    for (const [ratio, settled] of [[99, true], [99, true], [10, true], [99, true], [99, true], [99, false]] as const) {
      const verdict = profitGuard(history, [row("noise", ratio)], settled);
      ({ history } = verdict);
      expect(verdict.optOut).toEqual([]);
    }
  });
});
