import { setTimeout as sleep } from "node:timers/promises";
import { fullJitter } from "@samepage/fleet";
import { type ConnectResponse } from "@samepage/proto";
import type { Logger } from "pino";
import type { Identity } from "../identity/identity-file.ts";
import { hasEnded } from "../identity/renewal-time.ts";
import { messageOf } from "../thrown.ts";
import { createControllerClock, type ControllerClock } from "./controller-clock.ts";
import { type ControllerStream, openStream } from "./open-stream.ts";

/** Longest wait between tries, milliseconds: an operator who brings a controller back does not want to wait longer. */
const longestMs = 120_000;

/** Reconnects spread over at least this time, milliseconds, even where the controller asks for none: a flapping link must not become a busy loop. */
const shortestSpreadMs = 500;

/** What happens on a connection. */
export interface StreamEvents {
  /** The stream is open: say hello and what waited. */
  opened(stream: ControllerStream): Promise<void>;
  message(message: NonNullable<ConnectResponse["message"]>, stream: ControllerStream, clock: ControllerClock): Promise<void>;
  closed(): void;
  /** Asks for a new certificate by the key of the one that has ended. */
  rejoin(): Promise<void>;
}

/** Keeps one stream open until the signal aborts; comes back after a random time whenever it is lost. Never rejects. */
export async function keepConnected(identity: () => Identity, events: StreamEvents, logger: Logger, signal: AbortSignal): Promise<void> {
  let failures = 0;
  let spreadMs = 0;
  for (;;) {
    try {
      if (hasEnded(identity().certificate, Date.now())) {
        logger.warn("the certificate has ended; asking for a new one by its key");
        await events.rejoin();
      }
      const lived = await serveOne(identity(), events, signal, (seconds) => {
        spreadMs = seconds * 1000;
      });
      failures = lived ? 0 : failures + 1;
      if (!signal.aborted) logger.info("the controller has ended the stream");
    } catch (error) {
      if (!signal.aborted) logger.warn({ reason: messageOf(error), failures }, "no stream to the controller");
      failures++;
    }
    if (signal.aborted) return;
    await sleep(fullJitter(failures, { baseMs: Math.max(shortestSpreadMs, spreadMs), capMs: longestMs }, Math.random), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
  }
}

/** True when the controller had said welcome. */
async function serveOne(identity: Identity, events: StreamEvents, signal: AbortSignal, spread: (seconds: number) => void): Promise<boolean> {
  const stream = openStream(identity);
  const clock = createControllerClock();
  const close = () => stream.close();
  signal.addEventListener("abort", close, { once: true });
  let welcomed = false;
  try {
    for await (const { sentAtNs, message } of stream.messages) {
      clock.heard(sentAtNs);
      if (message === undefined) continue; // Of a newer controller.
      if (message.$case === "welcome") {
        welcomed = true;
        spread(message.value.reconnectSeconds);
        await events.opened(stream);
      }
      await events.message(message, stream, clock);
    }
    return welcomed;
  } catch (error) {
    // A stream that had worked and is lost is not a failure to connect.
    if (welcomed) return true;
    throw error;
  } finally {
    signal.removeEventListener("abort", close);
    stream.close();
    events.closed();
  }
}
