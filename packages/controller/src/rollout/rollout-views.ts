import { compareSavings, groupFailures, type HostPhase, isOver, PHASE_OF_LETTER, type RolloutPlan, type Tick } from "@samepage/fleet";
import type { HostReportView, RolloutReportView } from "../api/report-view.ts";
import type { RolloutOutcomeView } from "../api/rollout-outcome-view.ts";
import type { ProgressView, RolloutHostView, RolloutPlanView, RolloutSummary, RolloutView } from "../api/rollout-view.ts";
import type { StoredRollout } from "./rollout-record.ts";
import type { StoredReport } from "./rollout-store.ts";

type Reports = ReadonlyMap<number, StoredReport>;

/** A rollout on one line. */
export function toSummary({ record, state }: StoredRollout): RolloutSummary {
  const { plan, name, createdBy, operation } = record;
  return {
    id: plan.id,
    name,
    operation,
    selector: plan.selector,
    state: state.status,
    reason: state.reason,
    createdAt: iso(plan.createdAt),
    createdBy,
    finishedAt: isOver(state.status) && state.endedAt !== null ? iso(state.endedAt) : null,
    hosts: state.counts,
    wave: Math.min(state.wave, plan.waves.length - 1),
    waveCount: plan.waves.length,
    reclaimedBytes: state.saved.reduce((sum, { diskBytes }) => sum + diskBytes, 0),
  };
}

/** A rollout with its waves and hosts. */
export function toView(stored: StoredRollout, reports: Reports, progress: ReadonlyMap<string, ProgressView>, { explanations, waiting }: Pick<Tick, "explanations" | "waiting">): RolloutView {
  const { plan } = stored.record;
  const waves = plan.waves.map(({ name, first, count }) => ({
    name,
    hosts: plan.hosts.slice(first, first + count).map((host, offset): RolloutHostView => {
      const index = first + offset;
      return {
        host: host.name,
        state: phaseOf(stored, index),
        reason: stored.state.notes[index]?.cause?.message ?? waiting.get(host.name) ?? "",
        progress: progress.get(host.name) ?? null,
        predictedBytes: host.predicted?.diskBytes ?? null,
        reclaimedBytes: reclaimedOf(reports.get(index)),
      };
    }),
  }));
  return { ...toSummary(stored), waves, explanations, notices: plan.notices };
}

export function toPlanView(plan: RolloutPlan): RolloutPlanView {
  const waves = plan.waves.map(({ name, first, count }) => ({
    name,
    hosts: plan.hosts.slice(first, first + count).map((host) => ({ host: host.name, predictedBytes: host.predicted?.diskBytes ?? null })),
  }));
  return { selector: plan.selector, waves, notices: plan.notices };
}

/** What a rollout came to, from its state alone: no host's report is read. */
export function toOutcome({ record: { plan }, state }: StoredRollout): RolloutOutcomeView {
  const [all] = compareSavings(plan, state);
  const comparable = state.counts.succeeded - (all?.unpredicted ?? 0);
  return {
    reclaimedBytes: all?.real.diskBytes ?? 0,
    predictedBytes: comparable > 0 ? (all?.predictedForDone.diskBytes ?? 0) : null,
    pageCacheSavedBytes: all?.real.cacheBytes ?? 0,
    failures: groupFailures(plan, state).map(({ code, kernel, message, hosts }) => ({ cause: `${code}${kernel === "" ? "" : ` on ${kernel}`}: ${message}`, hosts })),
  };
}

/** What a rollout did, over all its hosts. */
export function toReport(stored: StoredRollout, reports: Reports): RolloutReportView {
  const hosts = stored.record.plan.hosts.map(({ name }, index): HostReportView => {
    const report = reports.get(index);
    const cause = stored.state.notes[index]?.cause;
    const error = report?.error ?? (cause === undefined ? null : { ...cause, hint: "" });
    return { host: name, state: phaseOf(stored, index), startedAt: report?.startedAt ?? null, finishedAt: report?.finishedAt ?? null, error, result: report?.result ?? null };
  });
  const { failures, ...totals } = toOutcome(stored);
  return { rollout: toSummary(stored), totals: { filesUnified: sum(hosts.map(({ result }) => numberAt(result, "files", "unified"))), ...totals }, failures, hosts };
}

function phaseOf({ state }: StoredRollout, index: number): HostPhase {
  return PHASE_OF_LETTER.get(state.phases[index] ?? "") ?? "pending";
}

function reclaimedOf(report: StoredReport | undefined): number | null {
  return report?.result === null || report === undefined ? null : numberAt(report.result, "bytes", "reclaimed");
}

/** A number two levels down in a report's JSON; 0 where there is none. */
function numberAt(result: Readonly<Record<string, unknown>> | null, group: string, field: string): number {
  const inner = result?.[group];
  if (typeof inner !== "object" || inner === null) return 0;
  const value = new Map<string, unknown>(Object.entries(inner)).get(field);
  return typeof value === "number" ? value : 0;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function iso(at: number): string {
  return new Date(at).toISOString();
}
