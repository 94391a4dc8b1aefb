import type { EventView } from "@samepage/controller/api";
import { open, RequestError } from "./request.ts";

/** A lost stream is opened again after a random time up to this: a restarted controller is not stormed by its viewers. */
const reconnectMs = 2000;

/**
 * The one push stream of the page. Fetched, not an EventSource, because that cannot carry a token. Goes on after
 * the last event seen when the connection is lost; ends when the signal aborts or the token no longer counts.
 */
export async function followEvents(
  token: string,
  handlers: { readonly onEvent: (event: EventView) => void; readonly onConnection: (connected: boolean) => void },
  signal: AbortSignal,
): Promise<void> {
  let last: string | undefined;
  while (!signal.aborted) {
    try {
      const headers: Record<string, string> = { accept: "text/event-stream", ...(last === undefined ? {} : { "last-event-id": last }) };
      const response = await open(token, "/v1/events", { headers, signal });
      handlers.onConnection(true);
      for await (const line of lines(response)) {
        if (line.startsWith("id: ")) last = line.slice("id: ".length);
        if (!line.startsWith("data: ")) continue;
        const event: EventView = JSON.parse(line.slice("data: ".length));
        handlers.onEvent(event);
      }
    } catch (error) {
      if (error instanceof RequestError && (error.status === 401 || error.status === 403)) throw error;
    }
    if (signal.aborted) return;
    handlers.onConnection(false);
    await new Promise((resolve) => setTimeout(resolve, Math.random() * reconnectMs));
  }
}

async function* lines(response: Response): AsyncGenerator<string> {
  if (response.body === null) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop() ?? "";
    yield* parts;
  }
}
