import { once } from "node:events";
import type { ServerDuplexStream } from "@grpc/grpc-js";
import type { ConnectRequest, ConnectResponse } from "@samepage/proto";

export type AgentCall = ServerDuplexStream<ConnectRequest, ConnectResponse>;
export type OutgoingMessage = NonNullable<ConnectResponse["message"]>;

/** Messages that may wait for a slow agent. It has one job at a time, so more means that it does not read. */
const queueLimit = 256;

/** The way out to one agent: in order, bounded, at the agent's pace. */
export interface Outbox {
  /** False when the agent reads too slowly or is gone: the message is not sent. */
  send(message: OutgoingMessage): boolean;
}

/** @param overflowed told when a message had to be dropped: the stream cannot go on as if nothing were missing. */
export function createOutbox(call: AgentCall, signal: AbortSignal, overflowed: () => void): Outbox {
  const queue: OutgoingMessage[] = [];
  let draining = false;

  const drain = async () => {
    draining = true;
    try {
      for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
        const sentAtNs = BigInt(Date.now()) * 1_000_000n;
        if (!call.write({ sentAtNs, message: next })) await once(call, "drain", { signal });
      }
    } catch {
      // The stream ended; whoever handles it knows why.
      queue.length = 0;
    } finally {
      draining = false;
    }
  };

  return {
    send: (message) => {
      if (signal.aborted || call.destroyed) return false;
      if (queue.length >= queueLimit) {
        overflowed();
        return false;
      }
      queue.push(message);
      if (!draining) void drain();
      return true;
    },
  };
}
