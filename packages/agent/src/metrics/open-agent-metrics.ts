import { X509Certificate } from "node:crypto";
import type { JobState } from "@samepage/proto";
import type { Logger } from "pino";
import { collectDefaultMetrics } from "prom-client";
import { agentVersion } from "../host-facts.ts";
import type { KsmKeeper } from "../ksm/ksm-keeper.ts";
import { messageOf } from "../thrown.ts";
import { type AgentMetrics, createAgentMetrics } from "./agent-metrics.ts";
import { addKsmMetrics } from "./ksm-metrics.ts";
import { type AgentHealth, serveMetrics } from "./metrics-server.ts";

export interface AgentMetricsOptions {
  /** PEM. */
  readonly certificate: () => string;
  readonly isConnected: () => boolean;
  readonly jobs: () => readonly JobState[];
  readonly ksm: Pick<KsmKeeper, "isTuning" | "backOff" | "ledger">;
  readonly logger: Logger;
}

/** Metrics with the port that serves them. */
export interface OpenAgentMetrics {
  readonly metrics: AgentMetrics;
  /** `http://host:port`. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Counts and serves; undefined where nobody shall ask, or where the address is taken: an agent that cannot be measured
 * works all the same, and says why it cannot.
 * @param listen `host:port` or `none`
 */
export async function openAgentMetrics(listen: string, { certificate, isConnected, jobs, ksm, logger }: AgentMetricsOptions): Promise<OpenAgentMetrics | undefined> {
  if (listen === "none") return undefined;
  const metrics = createAgentMetrics({
    version: agentVersion,
    isConnected,
    isWorking: () => jobs().some(({ running }) => running),
    unsentReports: () => jobs().filter(({ running }) => !running).length,
    certificateEnds: () => new X509Certificate(certificate()).validToDate.getTime(),
  });
  addKsmMetrics(metrics.registry, ksm, logger);
  const health = (): AgentHealth => {
    const problems = [...(isConnected() ? [] : ["no stream to a controller"]), ...(ksm.backOff() === "" ? [] : [`KSM: ${ksm.backOff()}`])];
    return { state: problems.length === 0 ? "ok" : "degraded", version: agentVersion, problems };
  };
  try {
    const server = await serveMetrics(listen, metrics.registry, health);
    // Once it is sure that somebody can ask: these watch the whole process.
    collectDefaultMetrics({ register: metrics.registry });
    return { metrics, ...server };
  } catch (error) {
    logger.warn({ reason: messageOf(error) }, "this agent cannot be measured");
    return undefined;
  }
}
