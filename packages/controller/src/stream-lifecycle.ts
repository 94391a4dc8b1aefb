import type { Logger } from "pino";
import type { AgentStream, StreamRegistry } from "./grpc/stream-registry.ts";
import type { Mail } from "./mailbox.ts";
import type { EventLog } from "./stores/event-log.ts";
import type { Presence } from "./stores/presence.ts";

/** What happens when agents come and go. */
export interface StreamLifecycle {
  opened(stream: AgentStream): Promise<void>;
  closed(stream: AgentStream): Promise<void>;
  /** Ends a host's stream, on whichever controller it is. */
  disconnect(host: string, reason: string): Promise<void>;
  receive(mail: Extract<Mail, { type: "disconnect" }>): Promise<void>;
  /** Ends all streams here. */
  close(): Promise<void>;
}

export interface StreamLifecycleDeps {
  readonly controller: string;
  readonly streams: StreamRegistry;
  readonly presence: Presence;
  readonly events: EventLog;
  readonly send: (controller: string, mail: Mail) => Promise<void>;
  /** A host came or went: rollouts may want to know. */
  readonly changed: () => Promise<void>;
  readonly logger: Logger;
}

export function createStreamLifecycle({ controller, streams, presence, events, send, changed, logger }: StreamLifecycleDeps): StreamLifecycle {
  const leaving = new Set<Promise<void>>();
  return {
    opened: async (stream) => {
      const before = await presence.enter(stream.host, stream.id, Date.now());
      streams.add(stream);
      if (before !== undefined && before.controller !== controller) {
        await send(before.controller, { type: "disconnect", host: stream.host, reason: "the host has connected again", except: stream.id });
      }
      logger.info({ host: stream.host, streams: streams.size }, "agent connected");
      await events.append({ type: "host", host: stream.host, state: "online", reason: "" });
      await changed();
    },
    closed: async (stream) => {
      if (streams.get(stream.host) !== stream) return;
      streams.remove(stream);
      const leave = (async () => {
        await presence.leave(stream.host, stream.id, Date.now());
        await events.append({ type: "host", host: stream.host, state: "offline", reason: "" });
      })();
      leaving.add(leave);
      try {
        await leave;
      } finally {
        leaving.delete(leave);
      }
      logger.info({ host: stream.host, streams: streams.size }, "agent disconnected");
      await changed();
    },
    disconnect: async (host, reason) => {
      const place = await presence.find(host);
      if (place === undefined) return;
      if (place.controller === controller) streams.get(host)?.close(reason);
      else await send(place.controller, { type: "disconnect", host, reason });
    },
    receive: async ({ host, reason, except }) => {
      const stream = streams.get(host);
      if (stream !== undefined && stream.id !== except) stream.close(reason);
    },
    close: async () => {
      for (const stream of streams.all()) stream.close("the controller is stopping");
      // Each stream's end is noted in Redis while that is still connected.
      await new Promise((resolve) => setImmediate(resolve));
      await Promise.allSettled(leaving);
    },
  };
}
