import { randomUUID } from "node:crypto";
import { status } from "@grpc/grpc-js";
import type { ConnectRequest, Guest } from "@samepage/proto";
import type { Logger } from "pino";
import { ControllerError } from "../api/controller-error.ts";
import type { HostStore } from "../stores/host-store.ts";
import type { AgentHandler } from "./agent-handler.ts";
import { createMessageBudget } from "./message-budget.ts";
import { type AgentCall, createOutbox, type Outbox } from "./outbox.ts";
import { identifyPeer } from "./peer-identity.ts";
import { Refusal, refusal } from "./refusal.ts";
import type { AgentStream } from "./stream-registry.ts";

export interface AgentStreamDeps {
  readonly hosts: HostStore;
  readonly handler: AgentHandler;
  /** PEM of the authorities that agents shall trust now. */
  readonly authorities: () => string;
  /** Seconds between an agent's heartbeats. */
  readonly heartbeatSeconds: () => Promise<number>;
  /** How long all agents together take to come back, seconds. */
  readonly reconnectSeconds: () => Promise<number>;
  /** The agent said hello; its stream can be written to. */
  readonly opened: (stream: AgentStream) => Promise<void>;
  readonly closed: (stream: AgentStream) => Promise<void>;
  /** Ends the connection of this peer (`address:port`), whatever is still to be sent on it. */
  readonly cut: (peer: string) => void;
  readonly logger: Logger;
}

/** Guests that one host may report: LXC hosts with thousands exist; a hostile agent must not fill Redis. */
const guestLimit = 20_000;

/** Milliseconds that an agent has to read why its stream ends. One that reads nothing would keep a stream that nobody serves. */
const farewellMs = 5000;

/** Serves one agent until either side ends it. Never rejects: the call itself carries how it ended. */
export async function serveAgentStream(call: AgentCall, deps: AgentStreamDeps): Promise<void> {
  const ending = new AbortController();
  call.once("close", () => ending.abort());
  call.once("cancelled", () => ending.abort());
  // Errors of a broken connection; reading sees them as well.
  call.on("error", () => ending.abort());
  let stream: AgentStream | undefined;
  try {
    const { host } = await identifyPeer(call, deps.hosts);
    const close = (reason: string) => {
      if (ending.signal.aborted) return;
      ending.abort();
      call.emit("error", refusal(status.ABORTED, reason));
      setTimeout(() => {
        if (!call.cancelled) deps.cut(call.getPeer());
      }, farewellMs).unref();
    };
    // What a slow agent was not told it is told when it comes back: commands and cancels are repeated, reports sent again.
    const outbox = createOutbox(call, ending.signal, () => {
      deps.logger.warn({ host }, "the agent reads too slowly; its stream is closed");
      close("this agent does not read what it is sent; it is told again when it is back");
    });
    outbox.send({ $case: "welcome", value: { heartbeatSeconds: await deps.heartbeatSeconds(), trust: { authorities: deps.authorities() }, reconnectSeconds: await deps.reconnectSeconds() } });
    stream = {
      host,
      id: randomUUID(),
      send: (message) => outbox.send(message),
      close,
    };
    await readMessages(call, stream, outbox, deps);
    call.end();
  } catch (error) {
    if (ending.signal.aborted) return;
    const reason = error instanceof Refusal ? error : toRefusal(error);
    deps.logger.warn({ host: stream?.host, peer: call.getPeer(), reason: reason.details }, "agent's stream refused");
    call.emit("error", reason);
  } finally {
    ending.abort();
    if (stream !== undefined) await deps.closed(stream).catch((error: unknown) => deps.logger.warn({ err: error }, "cannot note that a stream ended"));
  }
}

async function readMessages(call: AgentCall, stream: AgentStream, outbox: Outbox, deps: AgentStreamDeps): Promise<void> {
  const withinBudget = createMessageBudget();
  const guests: Guest[] = [];
  let greeted = false;
  // One message at a time: an agent that sends faster than it can be handled waits for TCP.
  // Not destroyed when reading stops: the agent must still be told why.
  const requests: AsyncIterable<ConnectRequest> = call.iterator({ destroyOnReturn: false });
  for await (const request of requests) {
    if (!withinBudget()) throw refusal(status.RESOURCE_EXHAUSTED, "too many messages");
    const message = request.message;
    if (message === undefined) continue; // Of a newer agent.
    if (!greeted) {
      if (message.$case !== "hello") throw refusal(status.FAILED_PRECONDITION, "the first message must be hello");
      greeted = true;
      const clockOffsetMs = Number(request.sentAtNs / 1_000_000n) - Date.now();
      await deps.handler.hello(stream.host, message.value, clockOffsetMs);
      await deps.opened(stream);
      continue;
    }
    switch (message.$case) {
      case "hello":
        throw refusal(status.FAILED_PRECONDITION, "hello comes once");
      case "inventory":
        guests.push(...message.value.guests);
        if (guests.length > guestLimit) throw refusal(status.RESOURCE_EXHAUSTED, `more than ${guestLimit} guests`);
        if (!message.value.more) await deps.handler.inventory(stream.host, guests.splice(0));
        break;
      case "ack":
        await deps.handler.ack(stream.host, message.value);
        break;
      case "progress":
        await deps.handler.progress(stream.host, message.value);
        break;
      case "report":
        await deps.handler.report(stream.host, message.value);
        outbox.send({ $case: "reportAck", value: { jobId: message.value.jobId, fence: message.value.fence } });
        break;
      case "heartbeat":
        await deps.handler.heartbeat(stream.host, message.value);
        break;
      case "renewal":
        await renew(stream.host, message.value.csr, outbox, deps);
        break;
    }
  }
}

async function renew(host: string, csr: Buffer, outbox: Outbox, deps: AgentStreamDeps): Promise<void> {
  try {
    const { pem } = await deps.handler.renew(host, csr);
    outbox.send({ $case: "renewal", value: { certificate: pem, reason: "" } });
  } catch (error) {
    if (!(error instanceof ControllerError) || error.code !== "invalid") throw error;
    outbox.send({ $case: "renewal", value: { certificate: "", reason: error.message } });
  }
}

function toRefusal(error: unknown): Refusal {
  if (error instanceof ControllerError && (error.code === "invalid" || error.code === "forbidden")) return refusal(status.INVALID_ARGUMENT, error.message);
  // Redis is away or we have a fault: the agent keeps what it wanted to say and comes back.
  return refusal(status.UNAVAILABLE, "the controller cannot keep this now");
}
