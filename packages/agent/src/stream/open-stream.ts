import { once } from "node:events";
import { type ClientDuplexStream, credentials } from "@grpc/grpc-js";
import { AgentServiceClient, type ConnectRequest, type ConnectResponse } from "@samepage/proto";
import type { Identity } from "../identity/identity-file.ts";
import { controllerServerName } from "../identity/server-name.ts";

export type OutgoingMessage = NonNullable<ConnectRequest["message"]>;

/** What several clients can share. */
export type Connection = ReturnType<AgentServiceClient["getChannel"]>;

/** One connection to a controller. */
export interface ControllerStream {
  /** Messages as they come; ends or throws when the connection does. */
  readonly messages: AsyncIterable<ConnectResponse>;
  /** The connection itself, for short questions besides. */
  readonly connection: Connection;
  /** Waits while the controller reads slowly. Rejects when the connection has ended. */
  send(message: OutgoingMessage): Promise<void>;
  close(): void;
}

/** A controller sends commands of a few kilobytes, and authorities. */
const receiveLimit = 1024 * 1024 + 64 * 1024;

export function openStream({ controller, authorities, key, certificate }: Identity): ControllerStream {
  const client = new AgentServiceClient(controller, credentials.createSsl(Buffer.from(authorities), Buffer.from(key), Buffer.from(certificate)), {
    "grpc.ssl_target_name_override": controllerServerName,
    "grpc.default_authority": controllerServerName,
    // Without keepalive a dropped link raises no event. Not more often: of ten thousand quiet agents, pings are most of what a controller does.
    "grpc.keepalive_time_ms": 60_000,
    "grpc.keepalive_timeout_ms": 10_000,
    "grpc.keepalive_permit_without_calls": 1,
    "grpc.max_receive_message_length": receiveLimit,
    // Reconnecting is this agent's own business, with jitter.
    "grpc.enable_retries": 0,
    "grpc.enable_channelz": 0,
  });
  const call: ClientDuplexStream<ConnectRequest, ConnectResponse> = client.connect();
  const ended = new AbortController();
  call.once("close", () => ended.abort());
  call.once("end", () => ended.abort());
  // Reading throws it too; without a listener here it would end the process when nobody reads yet.
  call.on("error", () => ended.abort());
  return {
    messages: call,
    connection: client.getChannel(),
    send: async (message) => {
      ended.signal.throwIfAborted();
      if (!call.write({ sentAtNs: BigInt(Date.now()) * 1_000_000n, message })) await once(call, "drain", { signal: ended.signal });
    },
    close: () => {
      call.cancel();
      client.close();
    },
  };
}
