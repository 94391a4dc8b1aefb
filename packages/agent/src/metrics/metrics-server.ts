import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { Registry } from "prom-client";
import { AgentError } from "../agent-error.ts";
import { messageOf } from "../thrown.ts";

/** How this agent is, for monitors: `GET /health`. */
export interface AgentHealth {
  readonly state: "ok" | "degraded";
  readonly version: string;
  /** Why it is degraded; empty when ok. */
  readonly problems: readonly string[];
}

export interface MetricsServer {
  /** `http://host:port`, as really listened on. */
  readonly address: string;
  close(): Promise<void>;
}

/** A request is one short line: whoever is slower than this only wants to hold the connection. Milliseconds. */
const requestMs = 5000;
/** Prometheus keeps one connection, a monitor another. */
const connectionsAtMost = 32;

/**
 * Serves `GET /metrics` and `GET /health` to whoever reaches the address: plain HTTP, nothing can be changed by it.
 * @param listen `host:port`; port 0: any free one
 * @throws AgentError `metrics-listen`
 */
export async function serveMetrics(listen: string, registry: Registry, health: () => AgentHealth): Promise<MetricsServer> {
  const at = listen.lastIndexOf(":");
  const host = listen.slice(0, at).replaceAll(/[[\]]/gu, "");
  const server = createServer({ requestTimeout: requestMs, headersTimeout: requestMs, connectionsCheckingInterval: 1000 }, (request, response) => {
    request.resume();
    if (request.method !== "GET") return answer(response, 405, "text/plain", "only GET\n");
    const [path] = (request.url ?? "").split("?");
    if (path === "/metrics") {
      registry.metrics().then(
        (text) => answer(response, 200, registry.contentType, text),
        (error: unknown) => answer(response, 500, "text/plain", `${messageOf(error)}\n`),
      );
      return;
    }
    if (path === "/health") {
      const view = health();
      return answer(response, view.state === "ok" ? 200 : 503, "application/json", `${JSON.stringify(view)}\n`);
    }
    answer(response, 404, "text/plain", "there are /metrics and /health\n");
  });
  server.maxConnections = connectionsAtMost;
  server.listen({ host, port: Number(listen.slice(at + 1)) });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new AgentError("metrics-listen", `cannot listen for Prometheus on ${listen}: ${messageOf(cause)}`, { hint: "metrics.listen in agent.yaml names another address, or none", target: listen, cause });
  }
  const bound = server.address();
  const port = bound === null || typeof bound === "string" ? 0 : bound.port;
  return {
    address: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}
