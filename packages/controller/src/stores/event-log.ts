import type { Logger } from "pino";
import type { EventBody, EventView } from "../api/event-view.ts";
import type { RedisClient } from "../redis/connect-redis.ts";
import { keys } from "../redis/keys.ts";
import { toFields } from "./stream-entry.ts";

/** Events kept for pages that reconnect: a rollout over 10,000 hosts makes about 40,000, a page is away for seconds. */
const keptEvents = 20_000;

/** Events of one controller's listeners; a listener that takes longer than this to read is cut off and comes back. */
type Listener = (event: EventView) => void;

/** The push stream's events: written by any controller, heard on every one. */
export interface EventLog {
  append(body: EventBody): Promise<void>;
  /** Calls back with every event from now on, until the returned function is called. */
  listen(listener: Listener): () => void;
  /** Events after an id that are still kept, oldest first. */
  since(id: string): Promise<readonly EventView[]>;
  close(): Promise<void>;
}

/** `reader` is a connection of its own: reading blocks. */
export function createEventLog(store: RedisClient, reader: RedisClient, logger: Logger): EventLog {
  const listeners = new Set<Listener>();
  const closing = new AbortController();
  // A read that waits for a Redis that is away is not answered by disconnecting.
  const closed = new Promise<null>((resolve) => closing.signal.addEventListener("abort", () => resolve(null), { once: true }));

  const follow = async () => {
    let last = "$";
    while (!closing.signal.aborted) {
      try {
        const answer = await Promise.race([reader.xread("COUNT", 1000, "BLOCK", 5000, "STREAMS", keys.events, last), closed]);
        for (const [id, fields] of answer?.[0]?.[1] ?? []) {
          last = id;
          const event = toEvent(id, fields);
          for (const listener of listeners) listener(event);
        }
      } catch (error) {
        if (closing.signal.aborted) return;
        logger.warn({ err: error }, "cannot read events; trying again");
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
    }
  };
  const following = follow();

  return {
    append: async (body) => {
      await store.xadd(keys.events, "MAXLEN", "~", keptEvents, "*", "body", JSON.stringify(body));
    },
    listen: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    since: async (id) => (await store.xrange(keys.events, `(${id}`, "+")).map(([entry, fields]) => toEvent(entry, fields)),
    close: async () => {
      closing.abort();
      reader.disconnect();
      await following;
    },
  };
}

function toEvent(id: string, fields: readonly string[]): EventView {
  const body: EventBody = JSON.parse(toFields(fields).get("body") ?? "{}");
  return { id, at: new Date(Number(id.split("-")[0])).toISOString(), ...body };
}
