import { PAGE_BYTES, RMAP_ITEM_BYTES } from "./ledger.ts";
import type { LedgerRow } from "./ledger.ts";

/** Above this many tracked pages for one useful page the bookkeeping costs more than the page: 4096 / 64. */
const BREAK_EVEN = PAGE_BYTES / RMAP_ITEM_BYTES;

/** Consecutive unprofitable checks by guest. */
export type ProfitHistory = ReadonlyMap<string, number>;

/**
 * Which guests cost more than they save, and have for long enough? Pure.
 * @param rows the ledger now
 * @param settled false: pages are still being merged, and an unprofitable guest proves nothing
 * @param patience unprofitable checks in a row before a guest is named; default 3
 * @returns the guests to opt out, and the history for the next check
 */
export function profitGuard(history: ProfitHistory, rows: readonly LedgerRow[], settled: boolean, patience = 3): { readonly optOut: readonly string[]; readonly history: ProfitHistory } {
  if (!settled) return { optOut: [], history };
  const next = new Map<string, number>();
  for (const row of rows) if (row.costRatio > BREAK_EVEN) next.set(row.name, (history.get(row.name) ?? 0) + 1);
  return { optOut: [...next].filter(([, times]) => times >= patience).map(([name]) => name), history: next };
}
