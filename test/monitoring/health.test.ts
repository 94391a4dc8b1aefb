import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { defaultConfig } from "@samepage/agent";
import { HealthCheckResponse_ServingStatus as Status, HealthClient } from "@samepage/proto";
import { startFleet, type TestFleet } from "@samepage/test-e2e";
import { expect, test } from "vitest";
import { fetchText } from "./scrape.ts";

/** With no certificate of its own: a load balancer is no member. */
async function healthClient(fleet: TestFleet): Promise<HealthClient & Disposable> {
  const ca = await readFile(join(fleet.dir, "controller/ca.pem"));
  const name = "controller.samepage.internal";
  const client = new HealthClient(fleet.controller.address.agents, credentials.createSsl(ca), { "grpc.ssl_target_name_override": name, "grpc.default_authority": name });
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}

async function check(client: HealthClient, service: string): Promise<Status | "NOT_FOUND"> {
  return new Promise((resolve, reject) => {
    client.check({ service }, (error: ServiceError | null, answer) => {
      if (error === null) resolve(answer.status);
      else if (error.code === status.NOT_FOUND) resolve("NOT_FOUND");
      else reject(error);
    });
  });
}

test("a controller is healthy while Redis answers, by gRPC and by HTTP, asked or watched", async () => {
  await using fleet = await startFleet();
  using client = await healthClient(fleet);
  expect(await check(client, "")).toBe(Status.SERVING);
  expect(await check(client, "samepage.v1.AgentService")).toBe(Status.SERVING);
  expect(await check(client, "nobody.v1.Nothing")).toBe("NOT_FOUND");
  const seen: Status[] = [];
  const watch = client.watch({ service: "" });
  watch.on("error", () => {});
  watch.on("data", (answer: { status: Status }) => seen.push(answer.status));
  await expect.poll(() => seen).toEqual([Status.SERVING]);
  const { ca, adminToken: token } = fleet.controller;
  const ask = async (path: string, secret = token) => fetchText(`${fleet.controller.address.api}${path}`, { ca, token: secret });
  expect((await ask("/v1/health")).status).toBe(200);
  expect((await ask("/metrics")).body).toContain("samepage_controller_healthy 1");

  await fleet.redis.kill();
  await expect.poll(() => seen, { timeout: 30_000 }).toEqual([Status.SERVING, Status.NOT_SERVING]);
  expect(await check(client, "")).toBe(Status.NOT_SERVING);
  expect((await ask("/v1/health")).status).toBe(503);
  // Prometheus goes on reading: this is what it is for. Nobody new gets in, and no figure of Redis' is made up.
  expect((await ask("/metrics")).body).toContain("samepage_controller_healthy 0");
  expect((await ask("/metrics")).body).not.toMatch(/^samepage_saved_disk_bytes /mu);
  expect((await ask("/metrics", "another")).status).toBe(503);
  watch.cancel();
  await fleet.redis.start();
});

test("an agent is healthy while it has a stream, and says so to whoever asks, but not to whoever only holds the line", async () => {
  await using fleet = await startFleet();
  const agent = await fleet.addAgent("h1", { config: { ...defaultConfig, metrics: { listen: "127.0.0.1:0" } } });
  const address = agent.metrics ?? "";
  expect(await fetchText(`${address}/health`)).toMatchObject({ status: 200, body: expect.stringContaining('"state":"ok"') });
  expect((await fetchText(`${address}/etc/passwd`)).status).toBe(404);
  const slow = connect(Number(new URL(address).port), "127.0.0.1");
  slow.write("GET /health HTTP/1.1\r\n");
  const closed = new Promise((resolve) => void slow.on("close", resolve));
  slow.on("error", () => {});
  slow.resume();

  await fleet.controller.close();
  await expect.poll(async () => fetchText(`${address}/health`), { timeout: 20_000 }).toMatchObject({ status: 503, body: expect.stringContaining("no stream to a controller") });
  expect(await Promise.race([closed.then(() => "closed"), sleep(20_000, "held")])).toBe("closed");
});
