import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { call, type ApiTarget } from "./api-call.ts";
import { ControllerError } from "./controller-error.ts";
import type { EventView } from "./event-view.ts";

/** A lost push stream is opened again after a random time up to this, so that a restarted controller is not stormed. */
const reconnectMs = 2000;

/**
 * Events as they happen. A lost connection is opened again and goes on after the last event seen,
 * so none is missed or doubled; the first connection's failure is thrown.
 */
export async function* readEvents(target: ApiTarget, filter: { readonly rollout?: string; readonly after?: string }, signal?: AbortSignal): AsyncGenerator<EventView> {
  let last = filter.after;
  let connected = false;
  for (;;) {
    try {
      const path = filter.rollout === undefined ? "/v1/events" : `/v1/events?rollout=${encodeURIComponent(filter.rollout)}`;
      const headers = { accept: "text/event-stream", ...(last === undefined ? {} : { "last-event-id": last }) };
      const response = await call(target, { method: "GET", path, headers, signal });
      connected = true;
      try {
        for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
          if (line.startsWith("id: ")) last = line.slice("id: ".length);
          if (!line.startsWith("data: ")) continue;
          const event: EventView = JSON.parse(line.slice("data: ".length));
          yield event;
        }
      } finally {
        response.destroy();
      }
    } catch (error) {
      if (signal?.aborted) return;
      const lost = !(error instanceof ControllerError) || error.code === "unreachable" || error.code === "overloaded";
      if (!connected || !lost) throw error;
    }
    await sleep(Math.random() * reconnectMs, undefined, signal ? { signal } : {}).catch(() => {});
    if (signal?.aborted) return;
  }
}
