import type { RolloutSummary } from "@samepage/controller/api";
import { useMemo } from "preact/hooks";
import { StateBadge } from "../components/state-badge.tsx";
import { type Column, VirtualTable } from "../components/virtual-table.tsx";
import type { FleetStore } from "../data/fleet-store.ts";
import { formatBytes, formatCount, formatTime } from "../data/format.ts";
import { routeTo } from "../data/route.ts";
import { useFleet } from "../data/use-fleet.ts";

const columns: readonly Column<RolloutSummary>[] = [
  { title: "Rollout", width: "minmax(8rem, 2fr)", cell: (rollout) => <a href={routeTo("rollouts", rollout.id)}>{rollout.name}</a> },
  { title: "State", width: "8rem", cell: (rollout) => <StateBadge state={rollout.state} /> },
  { title: "Done", width: "8rem", align: "end", cell: (rollout) => `${formatCount(rollout.hosts.succeeded)} of ${formatCount(total(rollout))}` },
  { title: "Failed", width: "5rem", align: "end", minor: true, cell: (rollout) => formatCount(rollout.hosts.failed) },
  { title: "Freed", width: "7rem", align: "end", minor: true, cell: (rollout) => formatBytes(rollout.reclaimedBytes) },
  { title: "Hosts", width: "minmax(6rem, 2fr)", minor: true, cell: (rollout) => <code>{rollout.selector}</code> },
  { title: "Started", width: "13rem", minor: true, cell: (rollout) => formatTime(rollout.createdAt) },
  { title: "By", width: "7rem", minor: true, cell: (rollout) => rollout.createdBy },
];

export function RolloutsPage({ store }: { readonly store: FleetStore }) {
  const rollouts = useFleet(store, (state) => state.rollouts);
  const rows = useMemo(() => [...rollouts.values()].toSorted((left, right) => (left.createdAt > right.createdAt ? -1 : 1)), [rollouts]);
  return (
    <section class="fill">
      <h1>Rollouts</h1>
      <VirtualTable label="Rollouts" rows={rows} columns={columns} keyOf={(rollout) => rollout.id} />
    </section>
  );
}

function total(rollout: RolloutSummary): number {
  return Object.values(rollout.hosts).reduce((sum, count) => sum + count, 0);
}
