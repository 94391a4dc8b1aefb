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

function open(port: number): Socket {
  const client = connect(port, "127.0.0.1");
  client.on("error", () => {});
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
  const clients = Array.from({ length: 30 }, () => open(port));
  await expect.poll(() => admitted.length, { timeout: 10_000 }).toBe(clients.length);
  // A burst of a tenth of a second's worth, then 45 a second: never more than that by any moment, so never more than 50 in a second.
  for (const [index, at] of admitted.entries()) expect(index + 1).toBeLessThanOrEqual(5 + Math.ceil((at * 45) / 1000));
});

test("who would wait longer than an agent does is sent away at once", async () => {
  let refused = 0;
  const port = await portOf(createAcceptGate({ ratePerSecond: 1, admit: () => {}, refused: () => refused++ }));
  // One at once, fifteen wait for fifteen seconds.
  Array.from({ length: 30 }, () => open(port));
  await expect.poll(() => refused, { timeout: 10_000 }).toBeGreaterThanOrEqual(12);
  expect(refused).toBeLessThanOrEqual(14);
});
