import type { Tick } from "@samepage/fleet";
import type { AgentHandler } from "./grpc/agent-handler.ts";
import { type BusiestSecond, createBusiestSecond } from "./grpc/busiest-second.ts";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** What this controller counts, in Prometheus' terms. Each controller has its own: several may run in one process. */
export interface Metrics {
  readonly registry: Registry;
  /** Connections to the agents' port: `admitted` to TLS, or `refused` because too many waited. */
  readonly connections: Counter<"outcome">;
  /** When connections were let through to TLS. */
  readonly admitted: BusiestSecond;
  /** By kind of message. */
  readonly agentMessages: Counter<"message">;
  /** Rollouts that this controller moved to a state. */
  readonly rollouts: Counter<"state">;
  /** Hosts of rollouts that this controller moved to a state. */
  readonly rolloutHosts: Counter<"state">;
  /** Seconds from reading a rollout to having stored and handed on its next step. */
  readonly stepSeconds: Histogram;
  /** Seconds from taking a command off the queue to the agent's acknowledgement. */
  readonly deliverySeconds: Histogram<"outcome">;
}

/** Steps take milliseconds, acknowledgements up to the 15 s after which they count as missing. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15];

export function createMetrics(streams: () => number): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const gauge: Gauge = new Gauge({
    name: "samepage_agent_streams",
    help: "Agents connected to this controller",
    registers,
    collect: () => gauge.set(streams()),
  });
  const admitted = createBusiestSecond();
  const busiest: Gauge = new Gauge({
    name: "samepage_agent_connections_busiest_second",
    help: "Most connections let through to TLS in any one second since this controller began",
    registers,
    collect: () => busiest.set(admitted.most),
  });
  const metrics: Metrics = {
    registry,
    admitted,
    connections: new Counter({ name: "samepage_agent_connections_total", help: "Connections to the agents' port", labelNames: ["outcome"], registers }),
    agentMessages: new Counter({ name: "samepage_agent_messages_total", help: "Messages from agents", labelNames: ["message"], registers }),
    rollouts: new Counter({ name: "samepage_rollout_transitions_total", help: "Rollouts moved to a state, by the controller that moved them", labelNames: ["state"], registers }),
    rolloutHosts: new Counter({ name: "samepage_rollout_host_transitions_total", help: "Hosts of rollouts moved to a state, by the controller that moved them", labelNames: ["state"], registers }),
    stepSeconds: new Histogram({ name: "samepage_rollout_step_seconds", help: "Time to make one step of a rollout", buckets, registers }),
    deliverySeconds: new Histogram({ name: "samepage_command_delivery_seconds", help: "Time from the queue to the agent's acknowledgement", labelNames: ["outcome"], buckets, registers }),
  };
  // Series that alerts look at are there before anything happens: an increase from nothing is none.
  for (const state of ["completed", "failed", "paused", "aborted"]) metrics.rollouts.inc({ state }, 0);
  for (const state of ["succeeded", "failed", "skipped"]) metrics.rolloutHosts.inc({ state }, 0);
  for (const outcome of ["acknowledged", "missing"]) metrics.deliverySeconds.zero({ outcome });
  return metrics;
}

/** Counts every message on its way to the handler. */
export function countMessages(handler: AgentHandler, { agentMessages }: Metrics): AgentHandler {
  const counted =
    <Rest extends readonly unknown[], Result>(message: string, handle: (...rest: Rest) => Promise<Result>) =>
    async (...rest: Rest): Promise<Result> => {
      agentMessages.inc({ message });
      return handle(...rest);
    };
  return {
    hello: counted("hello", async (...rest) => handler.hello(...rest)),
    inventory: counted("inventory", async (...rest) => handler.inventory(...rest)),
    ack: counted("ack", async (...rest) => handler.ack(...rest)),
    progress: counted("progress", async (...rest) => handler.progress(...rest)),
    report: counted("report", async (...rest) => handler.report(...rest)),
    heartbeat: counted("heartbeat", async (...rest) => handler.heartbeat(...rest)),
    renew: counted("renewal", async (...rest) => handler.renew(...rest)),
  };
}

/** Counts what became of a rollout or of one of its hosts. */
export function countTransition({ rollouts, rolloutHosts }: Metrics, { of, to }: Tick["transitions"][number]): void {
  (of === "rollout" ? rollouts : rolloutHosts).inc({ state: to });
}

/** Observes how long work takes that ends well or badly. */
export async function timeDelivery({ deliverySeconds }: Metrics, deliver: () => Promise<void>): Promise<void> {
  const stop = deliverySeconds.startTimer();
  try {
    await deliver();
    stop({ outcome: "acknowledged" });
  } catch (error) {
    stop({ outcome: "missing" });
    throw error;
  }
}

/** Observes how long a step takes. */
export async function timeStep({ stepSeconds }: Metrics, step: () => Promise<void>): Promise<void> {
  const stop = stepSeconds.startTimer();
  try {
    await step();
  } finally {
    stop();
  }
}
