import { type ConnectionOptions, Queue, Worker } from "bullmq";
import type { Dispatch } from "@samepage/fleet";
import type { Logger } from "pino";
import type { RedisClient } from "../redis/connect-redis.ts";
import { queuePrefix } from "../redis/keys.ts";

/** Timers and short work, shared by all controllers. Losing all of it only delays: the rollouts' state is elsewhere. */
export interface RolloutQueues {
  /** A tick soon; many requests make one. */
  requestTick(rollout: string): Promise<void>;
  /** A tick at a time (epoch milliseconds); replaces the one asked for before. */
  wakeAt(rollout: string, at: number): Promise<void>;
  dispatch(commands: readonly Dispatch[]): Promise<void>;
  close(): Promise<void>;
}

export interface RolloutQueueHandlers {
  tick(rollout: string): Promise<void>;
  /** Resolves at the agent's acknowledgement; rejects when there was none. */
  deliver(command: Dispatch): Promise<void>;
}

/** Ticks of this many rollouts run side by side; of one, never two on one controller (one compare-and-set wins anyway). */
const tickConcurrency = 8;

/** Commands on their way at once. Each waits for an acknowledgement, which costs nothing but time. */
const dispatchConcurrency = 500;

/** A command is tried this often in quick succession, for agents that are just connecting; then the tick decides. */
const dispatchTries = { attempts: 3, backoff: { type: "fixed", delay: 3000 } } as const;

export function createRolloutQueues(producer: RedisClient, consumer: RedisClient, handlers: RolloutQueueHandlers, logger: Logger): RolloutQueues {
  const producing = { connection: producer as ConnectionOptions, prefix: queuePrefix };
  const consuming = { connection: consumer as ConnectionOptions, prefix: queuePrefix };
  const ticks = new Queue<{ rollout: string }>("tick", producing);
  const dispatches = new Queue<Dispatch>("dispatch", producing);
  const forget = { removeOnComplete: true, removeOnFail: true };
  const tickWorker = new Worker<{ rollout: string }>("tick", async ({ data }) => handlers.tick(data.rollout), { ...consuming, concurrency: tickConcurrency });
  const dispatchWorker = new Worker<Dispatch>("dispatch", async ({ data }) => handlers.deliver(data), { ...consuming, concurrency: dispatchConcurrency });
  // The store's connection tells that Redis is away; here it would only be said four times more.
  const onError = (error: Error) => logger.debug({ err: error }, "queue connection");
  ticks.on("error", onError);
  dispatches.on("error", onError);
  tickWorker.on("error", onError);
  dispatchWorker.on("error", onError);
  tickWorker.on("failed", (job, error) => logger.warn({ err: error, rollout: job?.data.rollout }, "tick failed"));
  dispatchWorker.on("failed", (job, error) => logger.info({ job: job?.data.jobId, host: job?.data.host, reason: error.message }, "command not delivered"));

  return {
    requestTick: async (rollout) => {
      await ticks.add("tick", { rollout }, { ...forget, deduplication: { id: rollout, keepLastIfActive: true } });
    },
    wakeAt: async (rollout, at) => {
      const delay = Math.max(0, at - Date.now());
      await ticks.add("timer", { rollout }, { ...forget, delay, deduplication: { id: `timer.${rollout}`, ttl: Math.max(1, delay), extend: true, replace: true } });
    },
    dispatch: async (commands) => {
      if (commands.length === 0) return;
      await dispatches.addBulk(commands.map((data) => ({ name: "dispatch", data, opts: { ...forget, ...dispatchTries, jobId: `${data.jobId}.${data.fence}` } })));
    },
    close: async () => {
      // Without Redis nothing can be finished; what was begun runs again elsewhere, which is harmless.
      const force = producer.status !== "ready";
      await Promise.all([tickWorker.close(force), dispatchWorker.close(force)]);
      await Promise.all([ticks.close(), dispatches.close()]);
    },
  };
}
