import type { OutgoingMessage } from "./outbox.ts";

/** One agent's stream on this controller. */
export interface AgentStream {
  readonly host: string;
  /** Unique per connection. */
  readonly id: string;
  /** False when the agent reads too slowly or is gone. */
  send(message: OutgoingMessage): boolean;
  /** Ends the stream; the agent is told why. */
  close(reason: string): void;
}

/** The streams on this controller, one per host: a newer one ends the one before. */
export interface StreamRegistry {
  readonly size: number;
  add(stream: AgentStream): void;
  /** Leaves a newer stream of the host alone. */
  remove(stream: AgentStream): void;
  get(host: string): AgentStream | undefined;
  all(): Iterable<AgentStream>;
}

export function createStreamRegistry(): StreamRegistry {
  const streams = new Map<string, AgentStream>();
  return {
    get size() {
      return streams.size;
    },
    add: (stream) => {
      streams.get(stream.host)?.close("the host has connected again");
      streams.set(stream.host, stream);
    },
    remove: (stream) => {
      if (streams.get(stream.host) === stream) streams.delete(stream.host);
    },
    get: (host) => streams.get(host),
    all: () => streams.values(),
  };
}
