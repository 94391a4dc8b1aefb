import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "pino";

/**
 * Closes what was opened, the last first; one that fails does not keep the others open.
 * @param withinMs milliseconds for all together. What waits longer, for example for a Redis that takes connections and says
 *   nothing, is told to close and not waited for: everything a controller leaves half-done is done by the next one.
 */
export async function closeInTurn(opened: (() => Promise<void>)[], withinMs: number, logger: Logger): Promise<void> {
  const late = new AbortController();
  const bound = sleep(withinMs, undefined, { signal: late.signal }).then(
    () => logger.warn({ withinMs }, "closing takes too long; what is left is not waited for"),
    () => {},
  );
  for (const close of opened.splice(0).reverse()) {
    await Promise.race([close().catch((error: unknown) => logger.warn({ err: error }, "while closing")), bound]);
  }
  late.abort();
}
