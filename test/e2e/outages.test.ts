import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { createAgent, defaultConfig } from "@samepage/agent";
import { createController } from "@samepage/controller";
import { createApiClient } from "@samepage/controller/api";
import { startRedis, temporaryDirectory } from "@samepage/test-support";
import { pino } from "pino";
import { expect, test } from "vitest";
import { readStoredIdentity } from "./raw-agent.ts";
import { simulatedEngine } from "./simulated-engine.ts";
import { isOver, startFleet, type TestFleet } from "./test-fleet.ts";

const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };
const logger = pino({ level: "silent" });

/** Agents that count how often each host's work was done. */
async function addCountingAgents(fleet: TestFleet, hosts: readonly string[], milliseconds: number): Promise<Map<string, number>> {
  const done = new Map<string, number>();
  for (const host of hosts) {
    await mkdir(join(fleet.dir, `${host}-root/guests/a`), { recursive: true });
    await fleet.addAgent(host, { config, engine: simulatedEngine({ milliseconds, applied: () => done.set(host, (done.get(host) ?? 0) + 1) }) });
  }
  return done;
}

const hosts = ["h1", "h2", "h3", "h4"];
const onceEach = Object.fromEntries(hosts.map((host) => [host, 1]));

test("Redis killed and started again in mid-rollout: nothing is lost and nothing done twice", async () => {
  await using fleet = await startFleet();
  const done = await addCountingAgents(fleet, hosts, 2000);
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, canary: "0" });
  await fleet.until(id, (rollout) => rollout.hosts.running === hosts.length);
  await fleet.redis.kill();
  await expect(fleet.api.rollouts.get(id)).rejects.toMatchObject({ code: "redis-unreachable", message: expect.stringMatching(/^[^\n]+$/u), hint: expect.stringContaining("redis-server") });
  expect(await fleet.api.health()).toMatchObject({ state: "degraded", problems: ["Redis does not answer"] });
  // The work ends while nobody can hear of it.
  await sleep(2500);
  await fleet.redis.start();
  await expect.poll(async () => (await fleet.api.health()).state, { timeout: 20_000 }).toBe("ok");
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: hosts.length } });
  expect(Object.fromEntries(done)).toEqual(onceEach);
});

test("a controller that is replaced in mid-rollout: agents work on, come back by themselves and report", async () => {
  await using fleet = await startFleet();
  const done = await addCountingAgents(fleet, hosts, 2000);
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, canary: "0" });
  await fleet.until(id, (rollout) => rollout.hosts.running === hosts.length);
  const { agents } = fleet.controller.address;
  await fleet.controller.close();
  await expect(fleet.api.rollouts.get(id)).rejects.toMatchObject({ code: "unreachable", message: expect.stringMatching(/^[^\n]+$/u) });
  await sleep(2500);
  const next = await fleet.addController({ agentListen: agents });
  const api = createApiClient({ url: next.address.api, token: next.adminToken, ca: next.ca });
  await expect.poll(async () => (await api.rollouts.get(id)).state, { timeout: 40_000 }).toBe("completed");
  expect(Object.fromEntries(done)).toEqual(onceEach);
});

test("orders to one controller reach agents whose streams are on another", async () => {
  await using fleet = await startFleet();
  const done = await addCountingAgents(fleet, hosts, 20);
  const other = await fleet.addController();
  const api = createApiClient({ url: other.address.api, token: other.adminToken, ca: other.ca });
  expect((await api.health()).streams).toBe(0);
  expect((await api.hosts.list()).map(({ state }) => state)).toEqual(hosts.map(() => "online"));
  const { id } = await api.rollouts.create({ operation: { kind: "unify" } });
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed" });
  expect(Object.fromEntries(done)).toEqual(onceEach);
  await api.hosts.revoke("h1");
  await expect.poll(async () => (await fleet.api.health()).streams).toBe(hosts.length - 1);
});

test("an agent stopped in mid-job says so when it is back, and the work is done then", async () => {
  await using fleet = await startFleet();
  await mkdir(join(fleet.dir, "h1-root/guests/a"), { recursive: true });
  const agent = await fleet.addAgent("h1", { config, engine: simulatedEngine({ milliseconds: 60_000 }) });
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" } });
  await fleet.until(id, (rollout) => rollout.hosts.running === 1);
  await agent.close();
  let applied = 0;
  await fleet.startAgent("h1", { config, engine: simulatedEngine({ applied: () => applied++ }) });
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
  expect(applied).toBe(1);
});

test("a host whose certificate ended while it was off comes back by its key", async () => {
  // 3.6 seconds.
  await using fleet = await startFleet({ certificateHours: 0.001 });
  const agent = await fleet.addAgent("h1", { config });
  await agent.close();
  const before = await readStoredIdentity(join(fleet.dir, "h1"));
  await sleep(4000);
  const again = await fleet.startAgent("h1", { config });
  await again.connected();
  const after = await readStoredIdentity(join(fleet.dir, "h1"));
  expect(after.certificate).not.toBe(before.certificate);
  expect((await fleet.api.hosts.get("h1")).state).toBe("online");
});

test("a certificate is renewed over the stream when it is time, with a new key", async () => {
  // Most of such a certificate's life lies before it was issued, so it is due at once.
  await using fleet = await startFleet({ certificateHours: 0.02 });
  await fleet.addAgent("h1", { config });
  const first = await readStoredIdentity(join(fleet.dir, "h1"));
  await expect.poll(async () => (await readStoredIdentity(join(fleet.dir, "h1"))).key, { timeout: 10_000 }).not.toBe(first.key);
  expect((await fleet.api.hosts.get("h1")).state).toBe("online");
});

test("a controller does not start on a Redis that could lose the fleet, and says what to do", async () => {
  await using dir = await temporaryDirectory();
  await using redis = await startRedis(dir.path, ["--maxmemory-policy", "allkeys-lru"]);
  const options = { stateDir: join(dir.path, "controller"), agentListen: "127.0.0.1:0", apiListen: "127.0.0.1:0", logger };
  await expect(createController({ ...options, redis: redis.url })).rejects.toMatchObject({ code: "redis-unfit", message: expect.stringContaining("allkeys-lru"), hint: expect.stringContaining("noeviction") });
  await redis.kill();
  await expect(createController({ ...options, redis: redis.url })).rejects.toMatchObject({ code: "redis-unreachable", message: expect.stringMatching(/^Redis at \S+ does not answer[^\n]*$/u) });
  await expect(createController({ ...options, redis: "mysql://nowhere" })).rejects.toMatchObject({ code: "invalid", hint: expect.stringContaining("redis://") });
});

test("an agent that cannot reach its controller at enrolment says so in one line", async () => {
  await using dir = await temporaryDirectory();
  const enrolment = { controller: "127.0.0.1:1", host: "h1", token: "spe_x", fingerprint: `sha256:${"0".repeat(64)}` };
  await expect(createAgent({ stateDir: dir.path, config: defaultConfig, enrolment, logger })).rejects.toMatchObject({ code: "unreachable", message: expect.stringMatching(/^the controller at 127\.0\.0\.1:1 does not answer[^\n]*$/u) });
  await expect(createAgent({ stateDir: dir.path, config: defaultConfig, logger })).rejects.toMatchObject({ code: "not-enrolled", hint: expect.stringContaining("token create") });
});
