import { type JobReport, hostIndexOf } from "@samepage/fleet";
import { type Ack, AckResult, type Heartbeat, type Hello, type Progress, type Report } from "@samepage/proto";
import type { Logger } from "pino";
import { ControllerError } from "../api/controller-error.ts";
import type { DriftLedger } from "../catalog/drift-ledger.ts";
import type { EventLog } from "../stores/event-log.ts";
import type { HostStore } from "../stores/host-store.ts";
import type { SavingsLedger } from "../stores/savings-ledger.ts";
import { rolloutOf } from "./command-courier.ts";
import type { RolloutStore, StoredReport } from "./rollout-store.ts";
import { toJobResult, toStoredReport } from "./stored-report.ts";

/** Takes what agents say about jobs to the rollouts they belong to. */
export interface JobInbox {
  hello(host: string, hello: Hello): Promise<void>;
  ack(host: string, ack: Ack): Promise<void>;
  progress(host: string, progress: Progress): Promise<void>;
  /** Resolves when it is stored. */
  report(host: string, report: Report): Promise<void>;
  heartbeat(host: string, heartbeat: Heartbeat): Promise<void>;
}

export interface JobInboxDeps {
  readonly rollouts: RolloutStore;
  readonly hosts: HostStore;
  readonly events: EventLog;
  readonly savings: SavingsLedger;
  readonly drift: DriftLedger;
  readonly acknowledged: (job: string, fence: number) => Promise<void>;
  readonly requestTick: (rollout: string) => Promise<void>;
  readonly logger: Logger;
}

/** A job's sign of life reaches the rollout at most this often, milliseconds: its lease is minutes. */
const signOfLifeMs = 30_000;

/** Progress of one host is shown at most this often, milliseconds. */
const shownProgressMs = 500;

export function createJobInbox({ rollouts, hosts, events, savings, drift, acknowledged, requestTick, logger }: JobInboxDeps): JobInbox {
  const lastSign = new Map<string, number>();
  const lastShown = new Map<string, number>();

  const deliver = async (host: string, report: JobReport, stored?: StoredReport): Promise<boolean> => {
    const rollout = rolloutOf(report.jobId);
    const index = await ownIndex(rollouts, host, report.jobId);
    if (index === undefined) {
      // Of a rollout that is gone, or of another host: nothing that this one says about it counts.
      logger.warn({ host, job: report.jobId.slice(0, 100) }, "an agent spoke of a job that is not its own");
      return false;
    }
    await rollouts.deliver(rollout, report, stored === undefined ? undefined : { index, report: stored });
    await requestTick(rollout);
    return true;
  };
  const signOfLife = async (host: string, jobId: string, fence: bigint) => {
    const now = Date.now();
    const key = `${jobId}.${fence}`;
    if (now - (lastSign.get(key) ?? 0) < signOfLifeMs) return;
    if (await deliver(host, { type: "progress", jobId, fence: Number(fence) })) lastSign.set(key, now);
  };
  const forget = (jobId: string, fence: bigint) => {
    lastSign.delete(`${jobId}.${fence}`);
    lastShown.delete(`${jobId}.${fence}`);
  };
  const heartbeat = async (host: string, jobs: Heartbeat["jobs"]) => {
    for (const { jobId, fence, running } of jobs) if (running) await signOfLife(host, jobId, fence);
  };

  return {
    hello: async (host, { jobs }) => heartbeat(host, jobs),
    heartbeat: async (host, { jobs }) => heartbeat(host, jobs),
    ack: async (host, ack) => {
      await deliver(host, toJobReport(ack));
      await acknowledged(ack.jobId, Number(ack.fence));
    },
    progress: async (host, { jobId, fence, phase, files, filesTotal, bytes, bytesTotal }) => {
      await signOfLife(host, jobId, fence);
      const now = Date.now();
      const key = `${jobId}.${fence}`;
      // Only of jobs that were just found to be this host's own.
      if (!lastSign.has(key) || now - (lastShown.get(key) ?? 0) < shownProgressMs) return;
      lastShown.set(key, now);
      const progress = { phase: phase.slice(0, 32), files: Number(files), filesTotal: Number(filesTotal), bytes: Number(bytes), bytesTotal: Number(bytesTotal) };
      await events.append({ type: "progress", rollout: rolloutOf(jobId), host, progress });
    },
    report: async (host, report) => {
      if (report.jobId.length > longestJobId) throw new ControllerError("invalid", "a job that was never given out", { target: host });
      if (report.fence > BigInt(Number.MAX_SAFE_INTEGER)) throw new ControllerError("invalid", "a fence that was never given out", { target: host });
      forget(report.jobId, report.fence);
      if (!(await deliver(host, toJobResult(report), toStoredReport(report)))) return;
      await savings.record(host, report, Date.now());
      const { result } = report;
      if (result?.$case === "drift") await drift.record(host, result.value, Date.now());
      if (result?.$case === "unify" && result.value.dryRun) {
        await hosts.setPrediction(host, { diskBytes: Number(result.value.bytesReclaimed), cacheBytes: Number(result.value.pageCacheSaved) });
      }
    },
  };
}

/** Longest id that a job can have; what an agent says of longer ones is not even answered. */
const longestJobId = 100;

/** The index of a job's host in its rollout, if that is this host. */
async function ownIndex(rollouts: RolloutStore, host: string, jobId: string): Promise<number | undefined> {
  if (jobId.length > longestJobId) return undefined;
  const plan = await rollouts.planOf(rolloutOf(jobId));
  if (plan === undefined) return undefined;
  const index = hostIndexOf(plan, jobId);
  return index !== undefined && plan.hosts[index]?.name === host ? index : undefined;
}

function toJobReport({ jobId, fence, result, reason, seenFence }: Ack): JobReport {
  const base = { jobId, fence: Number(fence) };
  const failed = (code: string) => ({ ...base, type: "result", outcome: "failed", cause: { code, message: reason.slice(0, 500) } }) as const;
  switch (result) {
    case AckResult.ACCEPTED:
    case AckResult.DUPLICATE:
      return { ...base, type: "acknowledged" };
    case AckResult.STALE_FENCE:
      return { ...base, type: "result", outcome: "stale", seenFence: Number(seenFence) };
    case AckResult.EXPIRED:
      return { ...base, type: "result", outcome: "stopped" };
    case AckResult.STORAGE:
      return failed("agent-storage");
    case AckResult.UNSUPPORTED:
      return failed("unsupported-operation");
    default:
      return failed("refused");
  }
}
