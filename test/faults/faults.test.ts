import { setTimeout as sleep } from "node:timers/promises";
import { Redis } from "ioredis";
import { expect, test, vi } from "vitest";
import { busy, eachOnce, isOver, lastWordMs, sorted } from "./expectations.ts";
import { startFaultFleet } from "./fault-fleet.ts";

vi.setConfig({ testTimeout: lastWordMs });

const unify = { operation: { kind: "unify" }, concurrency: 3 } as const;

test("a controller killed in mid-rollout goes on where it was: every host is worked on exactly once", async () => {
  await using fleet = await startFaultFleet({ hosts: 6, milliseconds: 500, holds: true });
  const { id } = await fleet.api.rollouts.create(unify);
  fleet.allow(1);
  await fleet.until(id, (rollout) => busy(rollout) >= 2);
  await fleet.killController();
  fleet.allow();
  await sleep(1500);
  await fleet.startController();
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 6 }, reclaimedBytes: 6 * 4096 });
  expect(sorted(fleet.begun())).toEqual(eachOnce(6));
});

test("reports that were ready while there was no controller are kept by the agents and count once", async () => {
  await using fleet = await startFaultFleet({ hosts: 3, milliseconds: 100, holds: true });
  const { id } = await fleet.api.rollouts.create({ ...unify, canary: "0" });
  await fleet.until(id, (rollout) => busy(rollout) === 3);
  await fleet.killController();
  fleet.allow();
  await expect.poll(() => [0, 1, 2].map((host) => fleet.moments(`h${host}`, "applied").length)).toEqual([1, 1, 1]);
  await fleet.startController();
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 3 }, reclaimedBytes: 3 * 4096 });
  expect(sorted(fleet.begun())).toEqual(eachOnce(3));
});

test("of two controllers one is killed for good in mid-rollout: the other goes on with all agents, every host exactly once", async () => {
  await using fleet = await startFaultFleet({ hosts: 6, milliseconds: 500, controllers: 2, holds: true });
  const streams = async () => Promise.all(fleet.apis.map(async (api) => (await api.health()).streams));
  await expect.poll(async () => (await streams()).reduce((sum, count) => sum + count, 0), { timeout: 30_000 }).toBe(6);
  expect(Math.min(...(await streams()))).toBeGreaterThan(0);
  const { id } = await fleet.api.rollouts.create(unify);
  fleet.allow(1);
  await fleet.until(id, (rollout) => busy(rollout) >= 2);
  await fleet.killController(0);
  fleet.allow();
  const other = fleet.apis[1];
  // What the dead one was to do is done by the other, which says so too.
  expect((await other?.rollouts.get(id))?.explanations.join("\n")).toMatch(/canary|wave 1/u);
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 6 }, reclaimedBytes: 6 * 4096 });
  expect(sorted(fleet.begun())).toEqual(eachOnce(6));
  expect((await other?.hosts.list())?.map(({ state }) => state)).toEqual(Array.from({ length: 6 }, () => "online"));
});

test("Redis killed in mid-rollout and started on its append-only file: the rollout completes and nothing counts twice", async () => {
  await using fleet = await startFaultFleet({ hosts: 6, milliseconds: 500, holds: true });
  const { id } = await fleet.api.rollouts.create(unify);
  fleet.allow(1);
  await fleet.until(id, (rollout) => busy(rollout) >= 2);
  // The append-only file is written every second: what an operator was told before then is certain.
  await sleep(1100);
  await fleet.redis.kill();
  fleet.allow();
  await sleep(1000);
  await fleet.redis.start();
  const ended = await fleet.until(id, isOver);
  expect(ended).toMatchObject({ state: "completed", hosts: { succeeded: 6 } });
  expect(ended.reclaimedBytes).toBeLessThanOrEqual(6 * 4096);
  expect([...fleet.begun().keys()]).toHaveLength(6);
});

test("all queue data flushed in mid-rollout only delays it", async () => {
  await using fleet = await startFaultFleet({ hosts: 4, milliseconds: 500, holds: true });
  const { id } = await fleet.api.rollouts.create(unify);
  await fleet.until(id, (rollout) => busy(rollout) >= 1);
  const redis = new Redis(fleet.redis.url.replace(/^unix:/u, ""));
  try {
    const queued = await redis.keys("{samepage:queues}*");
    expect(queued.length).toBeGreaterThan(0);
    await redis.del(...queued);
    fleet.allow();
  } finally {
    redis.disconnect();
  }
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 4 } });
  expect(sorted(fleet.begun())).toEqual(eachOnce(4));
});

test("agents killed in mid-job come back, say so, and are given the job again", async () => {
  await using fleet = await startFaultFleet({ hosts: 3, milliseconds: 100, holds: true });
  const { id } = await fleet.api.rollouts.create({ ...unify, canary: "0" });
  await fleet.until(id, ({ hosts }) => hosts.running === 3);
  await fleet.killAgents();
  fleet.allow();
  await fleet.startAgents();
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 3 } });
  expect(sorted(fleet.begun()).map(([, count]) => count)).toEqual([2, 2, 2]);
  expect((await fleet.history(id, "h0")).join("\n")).toContain("the agent was interrupted");
});

test.each([5, -5])("agents whose clocks are wrong by %i hours work when it is time and are believed, and operators see it", async (hours) => {
  await using fleet = await startFaultFleet({ hosts: 2, milliseconds: 100, clockAheadMs: hours * 3_600_000 });
  const [host] = await fleet.api.hosts.list();
  expect(Math.round((host?.clockOffsetMs ?? 0) / 3_600_000)).toBe(hours);
  const { id } = await fleet.api.rollouts.create({ ...unify, jobTimeoutSeconds: 60 });
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 2 } });
  expect(sorted(fleet.begun())).toEqual(eachOnce(2));
});
