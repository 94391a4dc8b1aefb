import type { ApiClient } from "@samepage/controller/api";
import type { JobJournal } from "./job-journal.ts";

export interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** From each host's first hand-out, as the audit tells it, to the first begin of its job, ms. Both clocks are this machine's. */
export async function dispatchTimes(api: ApiClient, rollout: string, jobs: JobJournal["begun"]): Promise<Percentiles> {
  const begun = new Map(jobs.toReversed().map(({ host, at }) => [host, at]));
  const times: number[] = [];
  const seen = new Set<string>();
  for await (const { action, target, detail, at } of api.audit()) {
    const host = String(detail["host"]);
    const began = begun.get(host);
    if (target !== rollout || action !== "rollout.host" || detail["to"] !== "dispatching" || seen.has(host) || began === undefined) continue;
    seen.add(host);
    times.push(began - Date.parse(at));
  }
  times.sort((a, b) => a - b);
  const percentile = (percent: number) => times[Math.min(times.length - 1, Math.floor((times.length * percent) / 100))] ?? 0;
  return { p50: percentile(50), p90: percentile(90), p99: percentile(99) };
}
