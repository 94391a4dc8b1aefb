import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";
import type { RolloutStore } from "./rollout-store.ts";

/** Asks for a tick of every rollout that is not over: what a queue lost, or a dead controller did not do, is found and done. */
export interface Reconciler {
  /** Soon rather than at the next round: hosts came or went. Many calls make one. */
  wake(): Promise<void>;
  close(): Promise<void>;
}

export interface ReconcilerDeps {
  readonly rollouts: RolloutStore;
  readonly requestTick: (rollout: string) => Promise<void>;
  readonly logger: Logger;
}

/** Milliseconds between rounds; random around it, so that many controllers do not all look at once. */
const roundMs = 30_000;

/** After a wake, others are waited for this long, milliseconds: when ten thousand agents come back, one round serves all. */
const wakeMs = 250;

export function startReconciler({ rollouts, requestTick, logger }: ReconcilerDeps): Reconciler {
  const closing = new AbortController();
  let wake = new AbortController();

  const round = async () => {
    for (const id of await rollouts.openIds()) await requestTick(id);
  };
  const running = (async () => {
    while (!closing.signal.aborted) {
      await sleep(roundMs * (0.75 + Math.random() / 2), undefined, { signal: AbortSignal.any([closing.signal, wake.signal]) }).catch(() => {});
      if (wake.signal.aborted) await sleep(wakeMs, undefined, { signal: closing.signal }).catch(() => {});
      if (closing.signal.aborted) return;
      wake = new AbortController();
      await round().catch((error: unknown) => logger.warn({ err: error }, "cannot look after rollouts; trying again"));
    }
  })();

  return {
    wake: async () => wake.abort(),
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
