import { once } from "node:events";
import { connect, type Server, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { createAcceptGate } from "./accept-gate.ts";

async function portOf(gate: Server): Promise<number> {
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  onTestFinished(() => void gate.close());
  const address = gate.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function open(port: number, says: string): Socket {
  const client = connect(port, "127.0.0.1", () => client.write(says));
  onTestFinished(() => void client.destroy());
  return client;
}

test("connections beyond the rate wait for their turn; none is admitted early and none is lost", async () => {
  const admitted: number[] = [];
  const begun = performance.now();
  const admit = (socket: Socket) => {
    admitted.push(performance.now() - begun);
    socket.end();
  };
  const port = await portOf(createAcceptGate({ ratePerSecond: 50, admit }));
  const clients = Array.from({ length: 30 }, () => open(port, "hello"));
  await expect.poll(() => admitted.length, { timeout: 10_000 }).toBe(clients.length);
  // A burst of a tenth of a second's worth, then 50 a second: never more than that by any moment.
  for (const [index, at] of admitted.entries()) expect(index + 1).toBeLessThanOrEqual(5 + Math.ceil((at * 50) / 1000));
});

test("who gave up while waiting takes nobody's turn, and what a connection said first is still there when it is admitted", async () => {
  const heard: string[] = [];
  const admit = (socket: Socket) => void heard.push(String(socket.read()));
  const port = await portOf(createAcceptGate({ ratePerSecond: 2, admit }));
  open(port, "first");
  await expect.poll(() => heard).toEqual(["first"]);
  const gone = Array.from({ length: 20 }, () => open(port, "gone"));
  await Promise.all(gone.map(async (client) => once(client, "connect")));
  for (const client of gone) client.destroy();
  const silent = open(port, "");
  await once(silent, "connect");
  const begun = performance.now();
  open(port, "second");
  await expect.poll(() => heard.at(-1), { timeout: 10_000 }).toBe("second");
  // With the gone ones before it, it would have waited ten seconds; a few of them may have had their turn before they left.
  expect(performance.now() - begun).toBeLessThan(5000);
  expect(heard.length).toBeLessThan(10);
}, 20_000);
