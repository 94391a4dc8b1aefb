import type { SavingsView } from "@samepage/controller/api";
import { useMemo } from "preact/hooks";
import { HistoryChart } from "../components/history-chart.tsx";
import { Notice } from "../components/notice.tsx";
import { StateBadge } from "../components/state-badge.tsx";
import type { FleetStore } from "../data/fleet-store.ts";
import { formatBytes, formatCount } from "../data/format.ts";
import { routeTo } from "../data/route.ts";
import type { Session } from "../data/session.ts";
import { useFleet } from "../data/use-fleet.ts";
import { useResource } from "../data/use-resource.ts";

const activeStates = new Set(["created", "running", "soaking", "paused", "aborting"]);

export function OverviewPage({ store, session }: { readonly store: FleetStore; readonly session: Session }) {
  const summary = useFleet(store, (state) => state.summary);
  const known = useFleet(store, (state) => state.rollouts);
  const rollouts = [...known.values()];
  const ended = rollouts.filter(({ finishedAt }) => finishedAt !== null).length;
  const { value: savings, problem } = useResource<SavingsView>(session.token, "/v1/savings", ended);
  const times = useMemo(() => savings?.history.map(({ at }) => at) ?? [], [savings]);
  const series = useMemo(
    () => [
      { label: "disk", colour: "--disk", values: savings?.history.map(({ diskBytes }) => diskBytes) ?? [] },
      { label: "page cache", colour: "--cache", values: savings?.history.map(({ pageCacheBytes }) => pageCacheBytes) ?? [] },
      { label: "KSM", colour: "--ksm", values: savings?.history.map(({ ksmBytes }) => ksmBytes) ?? [] },
    ],
    [savings],
  );
  const active = rollouts.filter(({ state }) => activeStates.has(state));
  return (
    <section>
      <h1>Overview</h1>
      {problem === "" ? null : <Notice kind="error" text={problem} />}
      <div class="cards">
        <Card title="Disk freed" value={savings === null ? "…" : formatBytes(savings.diskBytes)} note="by file systems' own count" />
        <Card title="Page cache saved" value={savings === null ? "…" : formatBytes(savings.pageCacheBytes)} note="memory, at the last report; not added to disk" />
        <Card title="KSM saves" value={savings === null ? "…" : formatBytes(savings.ksmBytes)} note="memory, the kernels’ own account at the last KSM jobs; anonymous pages, none of the page cache" />
        <Card title="Hosts online" value={summary === null ? "…" : `${formatCount(summary.online)} of ${formatCount(summary.hosts)}`} note={summary === null ? "" : `${formatCount(summary.cordoned)} cordoned`} />
        <Card title="Guests" value={summary === null ? "…" : formatCount(summary.guests)} note="on all hosts" />
      </div>
      {times.length > 1 ? <HistoryChart label={`Savings over time, now ${formatBytes(savings?.diskBytes ?? 0)} on disk`} times={times} series={series} /> : null}
      <h2>Rollouts under way</h2>
      {active.length === 0 ? <p class="dim">None.</p> : null}
      <ul class="plain">
        {active.map((rollout) => (
          <li key={rollout.id}>
            <StateBadge state={rollout.state} /> <a href={routeTo("rollouts", rollout.id)}>{rollout.name}</a>{" "}
            <span class="dim">
              wave {rollout.wave + 1} of {rollout.waveCount}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Card({ title, value, note }: { readonly title: string; readonly value: string; readonly note: string }) {
  return (
    <div class="card">
      <h2>{title}</h2>
      <strong>{value}</strong>
      <span class="dim">{note}</span>
    </div>
  );
}
