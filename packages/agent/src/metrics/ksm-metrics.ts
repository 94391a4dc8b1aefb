import { findKsmd, HOST_PATHS, type Ledger, type LedgerRow, takeSample } from "@samepage/ksm";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";
import type { KsmKeeper } from "../ksm/ksm-keeper.ts";
import { measure } from "./agent-metrics.ts";

/** The account costs a walk over the page tables of everybody who takes part: it is taken at most this often, milliseconds. */
const accountMs = 60_000;

/** Guests shown by name, those with the largest part of the account; the others are one row. */
const namedGuests = 200;
const others = "(others)";

/** What the rows of the account are called, in bytes. */
const rowMetrics: readonly (readonly [string, string, (row: LedgerRow) => number])[] = [
  ["samepage_ksm_guest_saving_bytes", "The guest's part of general_profit; negative when its bookkeeping costs more than it saves", (row) => row.saving],
  ["samepage_ksm_guest_merged_bytes", "Memory of the guest that is mapped onto merged pages", (row) => row.merged],
  ["samepage_ksm_guest_zero_bytes", "Memory of the guest that is the kernel's zero page", (row) => row.zero],
  ["samepage_ksm_guest_overhead_bytes", "The kernel's bookkeeping for the guest's pages", (row) => row.overhead],
];

/** KSM's ledger and what it costs. On a host without KSM nothing of it is shown. */
export function addKsmMetrics(registry: Registry, keeper: Pick<KsmKeeper, "isTuning" | "backOff" | "ledger">, logger: Logger): void {
  let taken = -Infinity;
  let account: Promise<Ledger | undefined> = Promise.resolve(undefined);
  const read = async (): Promise<Ledger | undefined> => {
    if (performance.now() - taken >= accountMs) {
      taken = performance.now();
      account = keeper.ledger().catch((error: unknown) => {
        logger.debug({ err: error }, "ksm: no account");
        return undefined;
      });
    }
    return account;
  };
  measure(registry, "samepage_ksm_tuning", "Whether a rollout has this host's KSM tuned", () => Number(keeper.isTuning()));
  measure(registry, "samepage_ksm_backed_off", "Whether merging is held back because of the load it caused", () => Number(keeper.backOff() !== ""));
  measure(registry, "samepage_ksm_general_profit_bytes", "Memory saved by KSM, the kernel's own account", async () => (await read())?.generalProfit);
  measure(registry, "samepage_ksm_claimed_bytes", "Memory saved by KSM, the sum of the guests' parts", async () => (await read())?.claimed);
  measure(registry, "samepage_ksm_shared_now_bytes", "Memory that the guests map but share with somebody: anonymous minus proportional", async () => (await read())?.sharedNow);
  measure(registry, "samepage_ksm_available_delta_bytes", "MemAvailable now minus MemAvailable before the first change; the rest of the host moves it too", async () => (await read())?.memAvailableDelta);
  measure(registry, "samepage_zram_same_filled_bytes", "Same-filled pages that zram keeps for nothing, beside KSM", async () => (await read())?.zramSameFilled);
  for (const [name, help, pick] of rowMetrics) {
    const gauge: Gauge<"guest"> = new Gauge({
      name,
      help,
      labelNames: ["guest"],
      registers: [registry],
      collect: async () => {
        const rows = (await read())?.guests ?? [];
        gauge.reset();
        for (const [guest, bytes] of byGuest(rows, pick)) gauge.set({ guest }, bytes);
      },
    });
  }
  addKsmdMetrics(registry);
}

/** Sums by guest's name, the smallest together. Pure. */
export function byGuest(rows: readonly LedgerRow[], pick: (row: LedgerRow) => number): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const [at, row] of rows.toSorted((a, b) => Math.abs(b.saving) - Math.abs(a.saving)).entries()) {
    const name = at < namedGuests ? row.name : others;
    sums.set(name, (sums.get(name) ?? 0) + pick(row));
  }
  return sums;
}

function addKsmdMetrics(registry: Registry): void {
  let ksmd: Promise<number | undefined> | undefined;
  const sample = async () => {
    ksmd ??= findKsmd(HOST_PATHS.proc);
    const pid = await ksmd;
    return pid === undefined ? undefined : takeSample(HOST_PATHS, pid, 0);
  };
  count(registry, "samepage_ksmd_cpu_seconds_total", "Processor time of ksmd since boot", async () => {
    const nanoseconds = (await sample())?.ksmdCpuNs;
    return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
  });
  count(registry, "samepage_ksm_cow_breaks_total", "Merged pages written and copied again since boot", async () => (await sample())?.cowBreaks);
}

/** A counter that the kernel keeps. */
function count(registry: Registry, name: string, help: string, read: () => Promise<number | undefined>): void {
  const counter: Counter = new Counter({
    name,
    help,
    registers: [registry],
    collect: async () => {
      const value = await read();
      counter.reset();
      if (value === undefined) counter.remove();
      else counter.inc(value);
    },
  });
}
