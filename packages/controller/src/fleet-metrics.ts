import { X509Certificate } from "node:crypto";
import { Gauge, type Registry } from "prom-client";
import type { HealthView } from "./api/health-view.ts";
import type { HostView } from "./api/host-view.ts";
import type { Fleet } from "./fleet-view.ts";
import type { SavingsLedger } from "./stores/savings-ledger.ts";

/** Counting 10,000 hosts takes tens of milliseconds: at most this often, milliseconds. */
const countMs = 15_000;

export interface FleetMetricSources {
  readonly version: string;
  readonly fleet: Pick<Fleet, "hosts">;
  readonly savings: Pick<SavingsLedger, "read">;
  readonly health: () => Promise<HealthView>;
  /** PEM of the authority that signs now. */
  readonly authority: () => string;
}

/** What is the same on every controller, because it is read from Redis: `max()` over controllers, never `sum()`. */
export function addFleetMetrics(registry: Registry, { version, fleet, savings, health, authority }: FleetMetricSources): void {
  const registers = [registry];
  new Gauge({ name: "samepage_controller_info", help: "Always 1; the label is the controller's version", labelNames: ["version"], registers }).set({ version }, 1);
  const measure = (name: string, help: string, read: () => number | Promise<number>): void => {
    const gauge: Gauge = new Gauge({
      name,
      help,
      registers,
      collect: async () => {
        try {
          gauge.set(await read());
        } catch {
          // Without Redis nothing is known: samepage_controller_healthy says so, and no old figure pretends otherwise.
          gauge.remove();
        }
      },
    });
  };
  let taken = -Infinity;
  let counted: Promise<readonly HostView[]> = Promise.resolve([]);
  const hosts = async (): Promise<readonly HostView[]> => {
    if (performance.now() - taken >= countMs) {
      taken = performance.now();
      counted = fleet.hosts().then(({ hosts: all }) => all);
    }
    return counted;
  };
  measure("samepage_controller_healthy", "Whether this controller can work: Redis answers", async () => Number((await health()).state === "ok"));
  measure("samepage_authority_expiry_timestamp_seconds", "When the fleet's certificate authority ends", () => new X509Certificate(authority()).validToDate.getTime() / 1000);
  measure("samepage_hosts_cordoned", "Hosts that are left out of new work", async () => (await hosts()).filter(({ cordoned }) => cordoned).length);
  measure("samepage_saved_disk_bytes", "Bytes that the fleet's guests share on disk now, by the agents' reports", async () => (await savings.read()).diskBytes);
  measure("samepage_saved_page_cache_bytes", "Bytes of page cache that the fleet's guests shared at the last report", async () => (await savings.read()).pageCacheBytes);
  const states: Gauge<"state"> = new Gauge({
    name: "samepage_hosts",
    help: "Hosts that ever enrolled, by state",
    labelNames: ["state"],
    registers,
    collect: async () => {
      states.reset();
      const known = await hosts().catch(() => undefined);
      for (const state of known === undefined ? [] : (["online", "offline", "revoked"] as const)) states.set({ state }, known?.filter((host) => host.state === state).length ?? 0);
    },
  });
}
