import type { RolloutHostView, RolloutWaveView } from "@samepage/controller/api";
import { formatBytes, formatCount } from "../data/format.ts";
import { routeTo } from "../data/route.ts";
import { StateBadge } from "./state-badge.tsx";
import { type Column, VirtualTable } from "./virtual-table.tsx";

const columns = (isDryRun: boolean): readonly Column<RolloutHostView>[] => [
  { title: "Host", width: "minmax(8rem, 2fr)", cell: (row) => <a href={routeTo("hosts", row.host)}>{row.host}</a> },
  { title: "State", width: "8rem", cell: (row) => <StateBadge state={row.state} /> },
  { title: "Predicted", width: "7rem", align: "end", minor: true, cell: (row) => (row.predictedBytes === null ? "—" : formatBytes(row.predictedBytes)) },
  { title: isDryRun ? "Would free" : "Freed", width: "7rem", align: "end", cell: (row) => (row.reclaimedBytes === null ? "—" : formatBytes(row.reclaimedBytes)) },
  { title: "What", width: "minmax(8rem, 4fr)", minor: true, cell: (row) => what(row) },
];

/** Waves longer than this scroll within themselves. */
const tallRows = 12;

/** One wave: how its hosts stand, in one bar and one table. */
export function WaveTable({ wave, current, isDryRun }: { readonly wave: RolloutWaveView; readonly current: boolean; readonly isDryRun: boolean }) {
  const counts = new Map<string, number>();
  for (const { state } of wave.hosts) counts.set(state, (counts.get(state) ?? 0) + 1);
  return (
    <details open={current}>
      <summary>
        <h2>{wave.name}</h2>
        <span class="wavebar" aria-hidden="true">
          {[...counts].map(([state, count]) => (
            <span key={state} class={state} style={{ flexGrow: count }} />
          ))}
        </span>
        <span class="dim">{[...counts].map(([state, count]) => `${formatCount(count)} ${state}`).join(", ")}</span>
      </summary>
      <div class={wave.hosts.length > tallRows ? "tall" : "short"} style={{ "--rows": Math.min(wave.hosts.length, tallRows) }}>
        <VirtualTable label={`Hosts of ${wave.name}`} rows={wave.hosts} columns={columns(isDryRun)} keyOf={(row) => row.host} />
      </div>
    </details>
  );
}

function what({ progress, reason }: RolloutHostView): string {
  if (reason !== "" || progress === null) return reason;
  const share = progress.bytesTotal > 0 ? `, ${Math.floor((100 * progress.bytes) / progress.bytesTotal)} %` : "";
  return `${progress.phase}: ${formatCount(progress.files)} files${share}`;
}
