import { setTimeout as sleep } from "node:timers/promises";
import type { RolloutView } from "@samepage/controller/api";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { startFaultFleet } from "./fault-fleet.ts";

const unify = { operation: { kind: "unify" }, concurrency: 3 } as const;

function isOver({ state }: RolloutView): boolean {
  return state === "completed" || state === "failed" || state === "aborted";
}

/** Each host once. */
function once(hosts: number): ReadonlyMap<string, number> {
  return new Map(Array.from({ length: hosts }, (_, index) => [`h${index}`, 1]));
}

function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

test("a controller killed in mid-rollout goes on where it was: every host is worked on exactly once", async () => {
  await using fleet = await startFaultFleet({ hosts: 6, milliseconds: 2000 });
  const { id } = await fleet.api.rollouts.create(unify);
  await fleet.until(id, ({ hosts }) => hosts.running + hosts.acknowledged >= 2);
  await fleet.killController();
  await sleep(1500);
  await fleet.startController();
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 6 }, reclaimedBytes: 6 * 4096 });
  expect(sorted(fleet.begun())).toEqual(sorted(once(6)));
});

test("reports that were ready while there was no controller are kept by the agents and count once", async () => {
  await using fleet = await startFaultFleet({ hosts: 3, milliseconds: 1500 });
  const { id } = await fleet.api.rollouts.create({ ...unify, canary: "0" });
  await fleet.until(id, ({ hosts }) => hosts.running + hosts.acknowledged === 3);
  await fleet.killController();
  await sleep(3000);
  await fleet.startController();
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 3 }, reclaimedBytes: 3 * 4096 });
  expect(sorted(fleet.begun())).toEqual(sorted(once(3)));
});

test("Redis killed in mid-rollout and started on its append-only file: the rollout completes and nothing counts twice", async () => {
  await using fleet = await startFaultFleet({ hosts: 6, milliseconds: 2000 });
  const { id } = await fleet.api.rollouts.create(unify);
  await fleet.until(id, ({ hosts }) => hosts.running + hosts.acknowledged >= 2);
  // The append-only file is written every second: what an operator was told before then is certain.
  await sleep(1100);
  await fleet.redis.kill();
  await sleep(1000);
  await fleet.redis.start();
  const ended = await fleet.until(id, isOver);
  expect(ended).toMatchObject({ state: "completed", hosts: { succeeded: 6 } });
  expect(ended.reclaimedBytes).toBeLessThanOrEqual(6 * 4096);
  expect([...fleet.begun().keys()]).toHaveLength(6);
});

test("all queue data flushed in mid-rollout only delays it", async () => {
  await using fleet = await startFaultFleet({ hosts: 4, milliseconds: 1500 });
  const { id } = await fleet.api.rollouts.create(unify);
  await fleet.until(id, ({ hosts }) => hosts.running + hosts.acknowledged >= 1);
  const redis = new Redis(fleet.redis.url.replace(/^unix:/u, ""));
  try {
    const queued = await redis.keys("{samepage:queues}*");
    expect(queued.length).toBeGreaterThan(0);
    await redis.del(...queued);
  } finally {
    redis.disconnect();
  }
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 4 } });
  expect(sorted(fleet.begun())).toEqual(sorted(once(4)));
});

test("agents killed in mid-job come back, say so, and are given the job again", async () => {
  await using fleet = await startFaultFleet({ hosts: 3, milliseconds: 3000 });
  const { id } = await fleet.api.rollouts.create({ ...unify, canary: "0" });
  await fleet.until(id, ({ hosts }) => hosts.running === 3);
  await fleet.killAgents();
  await sleep(500);
  await fleet.startAgents();
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 3 } });
  expect(sorted(fleet.begun()).map(([, count]) => count)).toEqual([2, 2, 2]);
});

test.each([5, -5])("agents whose clocks are wrong by %i hours work when it is time and are believed", async (hours) => {
  await using fleet = await startFaultFleet({ hosts: 2, milliseconds: 100, clockAheadMs: hours * 3_600_000 });
  const { id } = await fleet.api.rollouts.create({ ...unify, jobTimeoutSeconds: 60 });
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 2 } });
  expect(sorted(fleet.begun())).toEqual(sorted(once(2)));
});
