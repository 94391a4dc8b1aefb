import { request } from "node:http";
import { text } from "node:stream/consumers";

/** Connections that the controller's gate has let through to TLS since it began, as its metrics say. */
export async function acceptedConnections(socketPath: string, token: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ socketPath, path: "/metrics", headers: { authorization: `Bearer ${token}` } }, (response) => void text(response).then(resolve, reject)).once("error", reject).end();
  const match = /^samepage_agent_connections_total\{outcome="admitted"\} (\d+)$/mu.exec(await promise);
  return Number(match?.[1] ?? 0);
}
