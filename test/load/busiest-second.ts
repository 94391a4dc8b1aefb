import { request } from "node:http";
import { text } from "node:stream/consumers";

/** Most connections that the controller's gate let through to TLS in any one second since it began, as it says itself. */
export async function busiestSecond(socketPath: string, token: string): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  request({ socketPath, path: "/metrics", headers: { authorization: `Bearer ${token}` } }, (response) => void text(response).then(resolve, reject)).once("error", reject).end();
  const match = /^samepage_agent_connections_busiest_second (\d+)$/mu.exec(await promise);
  if (match === null) throw new Error("the controller does not say how many connections it let through");
  return Number(match[1]);
}
