import { Outcome, type Report } from "@samepage/proto";
import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** What this agent counts, in Prometheus' terms. */
export interface AgentMetrics {
  readonly registry: Registry;
  /** A stream was opened. */
  connected(): void;
  /** A job has ended. */
  finished(report: Report): void;
  /** Guests were looked for: their states. */
  found(states: readonly string[]): void;
}

/** What is looked at when somebody asks. */
export interface AgentMetricSources {
  readonly version: string;
  readonly isConnected: () => boolean;
  readonly isWorking: () => boolean;
  /** Reports that the controller has not acknowledged. */
  readonly unsentReports: () => number;
  /** When the certificate ends, epoch milliseconds. */
  readonly certificateEnds: () => number;
}

/** Jobs take from a second (nothing to do) to hours (the first scan of a full host). */
const jobBuckets = [1, 10, 60, 300, 1800, 7200, 21_600];

const outcomes: Readonly<Record<number, string>> = {
  [Outcome.SUCCEEDED]: "succeeded",
  [Outcome.FAILED]: "failed",
  [Outcome.DEADLINE]: "deadline",
  [Outcome.CANCELLED]: "cancelled",
  [Outcome.INTERRUPTED]: "interrupted",
};

export function createAgentMetrics(sources: AgentMetricSources): AgentMetrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({ name: "samepage_agent_info", help: "Always 1; the label is the agent's version", labelNames: ["version"], registers }).set({ version: sources.version }, 1);
  measure(registry, "samepage_agent_connected", "Whether the agent has a stream to a controller", () => Number(sources.isConnected()));
  measure(registry, "samepage_agent_job_running", "Whether a job runs now", () => Number(sources.isWorking()));
  measure(registry, "samepage_agent_reports_unacknowledged", "Reports kept on disk that no controller has acknowledged", () => sources.unsentReports());
  measure(registry, "samepage_agent_certificate_expiry_timestamp_seconds", "When the agent's certificate ends", () => sources.certificateEnds() / 1000);
  const guests = new Gauge({ name: "samepage_agent_guests", help: "Guests on this host, by state, as last looked for", labelNames: ["state"], registers });
  const connects = new Counter({ name: "samepage_agent_connects_total", help: "Streams opened to a controller", registers });
  const jobs = new Counter({ name: "samepage_agent_jobs_total", help: "Jobs that have ended, by outcome", labelNames: ["outcome"], registers });
  // There before it happens: an increase from nothing would not be seen.
  for (const outcome of Object.values(outcomes)) jobs.inc({ outcome }, 0);
  const jobSeconds = new Histogram({ name: "samepage_agent_job_seconds", help: "How long jobs took", buckets: jobBuckets, registers });
  const reclaimed = new Counter({ name: "samepage_agent_reclaimed_bytes_total", help: "Bytes freed on disk by unification, as the file systems say", registers });
  return {
    registry,
    connected: () => connects.inc(),
    found: (states) => {
      guests.reset();
      for (const state of states) guests.inc({ state });
    },
    finished: ({ outcome, startedAtNs, finishedAtNs, result }) => {
      jobs.inc({ outcome: outcomes[outcome] ?? "failed" });
      jobSeconds.observe(Number(finishedAtNs - startedAtNs) / 1e9);
      if (result?.$case === "unify" && !result.value.dryRun) reclaimed.inc(Math.max(0, Number(result.value.bytesReclaimed)));
    },
  };
}

/** A gauge that is read when somebody asks; `undefined`: this host has no such figure, and none is shown. */
export function measure(registry: Registry, name: string, help: string, read: () => number | undefined | Promise<number | undefined>): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect: async () => {
      const value = await read();
      if (value === undefined) gauge.remove();
      else gauge.set(value);
    },
  });
}
