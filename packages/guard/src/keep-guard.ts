import { setTimeout as sleep } from "node:timers/promises";
import { startGuard } from "./guard-supervisor.ts";

/** Without a daemon writes to shared files are refused, so the first try comes at once; one that cannot start is not tried for ever. */
const firstPauseMs = 100;
const longestPauseMs = 30_000;

/** What becomes of a daemon that is looked after. */
export interface GuardNews {
  /** It answers: the one that ran, or one started now. */
  started(pid: number): void;
  /** It ended, or does not start; it is tried again in `againMs`. */
  lost(error: unknown, againMs: number): void;
}

/**
 * Sees to it that a guard runs, until the signal aborts: connects to the daemon, or starts it, and does so again when it
 * ends. The daemon itself goes on when this stops.
 */
export async function keepGuard(news: GuardNews, signal: AbortSignal, options: Pick<NonNullable<Parameters<typeof startGuard>[0]>, "socketPath" | "stateDir"> = {}): Promise<void> {
  let pauseMs = firstPauseMs;
  while (!signal.aborted) {
    let failure: unknown;
    try {
      using client = await startGuard({ ...options, signal });
      const close = () => client.close();
      signal.addEventListener("abort", close, { once: true });
      news.started((await client.status()).pid);
      pauseMs = firstPauseMs;
      await client.closed;
      signal.removeEventListener("abort", close);
    } catch (error) {
      failure = error;
    }
    if (signal.aborted) return;
    news.lost(failure, pauseMs);
    await sleep(pauseMs, undefined, { signal }).catch(() => {});
    pauseMs = Math.min(longestPauseMs, pauseMs * 2);
  }
}
