import type { FastifyInstance } from "fastify";
import type { EventView } from "../api/event-view.ts";
import type { EventLog } from "../stores/event-log.ts";
import type { TokenStore } from "../stores/token-store.ts";
import { authorize } from "./http-context.ts";

/** Bytes that may wait for a page that reads slowly; past this it is cut off and comes back with its last id. */
const waitingLimit = 1024 * 1024;

/** A comment this often keeps proxies from closing a quiet stream, milliseconds. */
const quietMs = 15_000;

export function addEventRoutes(app: FastifyInstance, { events, tokens, closing }: { readonly events: EventLog; readonly tokens: TokenStore; readonly closing: AbortSignal }): void {
  app.get<{ Querystring: { rollout?: string } }>("/v1/events", async (request, reply) => {
    await authorize(request, tokens, "viewer");
    const { rollout } = request.query;
    const wanted = (event: EventView) => rollout === undefined || ("rollout" in event && event.rollout === rollout);
    const lastId = request.headers["last-event-id"];
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store", "x-accel-buffering": "no" });
    raw.write(": open\n\n");

    // Events that come while the missed ones are read wait here, so that order holds and none comes twice.
    let held: EventView[] | undefined = [];
    let newest = typeof lastId === "string" && /^\d+-\d+$/u.test(lastId) ? lastId : undefined;
    const send = (event: EventView) => {
      if (!wanted(event) || (newest !== undefined && !isAfter(event.id, newest))) return;
      newest = event.id;
      raw.write(`id: ${event.id}\ndata: ${JSON.stringify(event)}\n\n`);
      if (raw.writableLength > waitingLimit) raw.destroy();
    };
    const stop = events.listen((event) => (held === undefined ? send(event) : held.push(event)));
    const quiet = setInterval(() => raw.write(": quiet\n\n"), quietMs);
    const end = () => raw.end();
    closing.addEventListener("abort", end, { once: true });
    raw.once("close", () => {
      stop();
      clearInterval(quiet);
      closing.removeEventListener("abort", end);
    });
    if (newest !== undefined) {
      const missed = await events.since(newest).catch((error: unknown) => {
        request.log.warn({ err: error }, "cannot read missed events");
        raw.destroy();
        return [];
      });
      missed.forEach(send);
    }
    held.forEach(send);
    held = undefined;
  });
}

/** Whether a stream entry's id (`milliseconds-sequence`) comes after another. */
function isAfter(id: string, other: string): boolean {
  const [time = 0, sequence = 0] = id.split("-").map(Number);
  const [otherTime = 0, otherSequence = 0] = other.split("-").map(Number);
  return time > otherTime || (time === otherTime && sequence > otherSequence);
}
