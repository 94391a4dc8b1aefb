import type { HostView } from "@samepage/controller/api";
import { useEffect, useMemo, useState } from "preact/hooks";
import { StateBadge } from "../components/state-badge.tsx";
import { type Column, VirtualTable } from "../components/virtual-table.tsx";
import type { FleetStore } from "../data/fleet-store.ts";
import { formatAge, formatCount } from "../data/format.ts";
import { matchesSearch } from "../data/matches-search.ts";
import { routeTo } from "../data/route.ts";
import { useFleet } from "../data/use-fleet.ts";

const columns: readonly Column<HostView>[] = [
  { title: "Host", width: "minmax(9rem, 2fr)", cell: (host) => <a href={routeTo("hosts", host.name)}>{host.name}</a> },
  { title: "State", width: "8rem", cell: (host) => <StateBadge state={host.cordoned && host.state === "online" ? "cordoned" : host.state} /> },
  { title: "Guests", width: "5rem", align: "end", minor: true, cell: (host) => formatCount(host.guestCount) },
  { title: "Labels", width: "minmax(8rem, 3fr)", minor: true, cell: (host) => labels(host) },
  { title: "Kernel", width: "minmax(6rem, 2fr)", minor: true, cell: (host) => host.facts?.kernel ?? "—" },
  { title: "Seen", width: "7rem", cell: (host) => (host.state === "online" ? "now" : formatAge(host.lastSeenAt, Date.now())) },
];

export function HostsPage({ store }: { readonly store: FleetStore }) {
  useEffect(() => store.listHosts(), [store]);
  const hosts = useFleet(store, (state) => state.hosts);
  const complete = useFleet(store, (state) => state.hostsComplete);
  const [search, setSearch] = useState("");
  const sorted = useMemo(() => [...hosts.values()].toSorted((left, right) => (left.name < right.name ? -1 : 1)), [hosts]);
  const rows = useMemo(() => sorted.filter((host) => matchesSearch(host, search)), [sorted, search]);
  return (
    <section class="fill">
      <div class="bar">
        <h1>Hosts</h1>
        <input type="search" aria-label="Search hosts" placeholder="name, state, label=value" value={search} onInput={(event) => setSearch(event.currentTarget.value)} />
        <span class="dim" role="status">
          {formatCount(rows.length)} of {formatCount(sorted.length)}
          {complete ? "" : ", reading…"}
        </span>
      </div>
      <VirtualTable label="Hosts" rows={rows} columns={columns} keyOf={(host) => host.name} />
    </section>
  );
}

function labels(host: HostView): string {
  return Object.entries(host.labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");
}
