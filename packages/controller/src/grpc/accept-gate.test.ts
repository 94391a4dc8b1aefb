import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect, test } from "vitest";
import { createAcceptGate } from "./accept-gate.ts";

test("connections beyond the rate wait for their turn; none is admitted early and none is lost", async () => {
  const admitted: number[] = [];
  const begun = performance.now();
  const gate = createAcceptGate(50, (socket) => {
    admitted.push(performance.now() - begun);
    socket.end();
  });
  gate.listen(0, "127.0.0.1");
  await once(gate, "listening");
  const address = gate.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const clients: Socket[] = Array.from({ length: 30 }, () => connect(port, "127.0.0.1"));
  try {
    await expect.poll(() => admitted.length, { timeout: 10_000 }).toBe(clients.length);
    // A burst of a tenth of a second's worth, then 50 a second: never more than that by any moment.
    for (const [index, at] of admitted.entries()) expect(index + 1).toBeLessThanOrEqual(5 + Math.ceil((at * 50) / 1000));
  } finally {
    for (const client of clients) client.destroy();
    gate.close();
  }
});
