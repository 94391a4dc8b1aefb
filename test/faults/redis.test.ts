import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "@samepage/test-support";
import { expect, test, vi } from "vitest";
import { eachOnce, isOver, lastWordMs, sorted } from "./expectations.ts";
import { startFaultFleet } from "./fault-fleet.ts";
import { startRedisCluster } from "./redis-cluster.ts";
import { startSentinelGroup } from "./redis-sentinel.ts";

vi.setConfig({ testTimeout: lastWordMs });

const unify = { operation: { kind: "unify" }, concurrency: 3 } as const;

test("Redis fails over under Sentinel in mid-rollout: every host is worked on once, and the old master's return changes nothing", async () => {
  await using dir = await temporaryDirectory("samepage-sentinel-");
  await using group = await startSentinelGroup(dir.path);
  await using fleet = await startFaultFleet({ hosts: 6, milliseconds: 500, holds: true, redisUrl: group.url });
  const { id } = await fleet.api.rollouts.create(unify);
  await fleet.until(id, ({ hosts }) => hosts.running >= 1);
  // Replication is asynchronous: what an operator has just been told may be a few milliseconds ahead of the replica.
  await sleep(200);
  await group.failOver();
  fleet.allow();
  await group.bringBack();
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 6 }, reclaimedBytes: 6 * 4096 });
  expect(sorted(fleet.begun())).toEqual(eachOnce(6));
  const next = await fleet.api.rollouts.create({ ...unify, selector: "name=h0" });
  expect(await fleet.until(next.id, isOver)).toMatchObject({ state: "completed" });
});

test("on a Redis Cluster everything works, and a master killed in mid-rollout and started again costs only time", async () => {
  await using dir = await temporaryDirectory("samepage-cluster-");
  await using cluster = await startRedisCluster(dir.path);
  await using fleet = await startFaultFleet({ hosts: 6, milliseconds: 500, holds: true, redisUrl: cluster.url });
  const { id } = await fleet.api.rollouts.create(unify);
  await fleet.until(id, ({ hosts }) => hosts.running >= 1);
  // The append-only file is written every second: what an operator was told before then is certain.
  await sleep(1100);
  for (const master of cluster.masters) {
    await master.kill();
    await sleep(300);
    await master.start();
    fleet.allow();
  }
  const ended = await fleet.until(id, isOver);
  expect(ended).toMatchObject({ state: "completed", hosts: { succeeded: 6 } });
  expect([...fleet.begun().keys()]).toHaveLength(6);
  // The rest of the controller: hosts, windows, tokens and audit lie in slots of their own.
  await fleet.api.windows.putBlackout({ name: "freeze", selector: "name=h0", zone: "UTC", from: "2000-01-01", to: "2199-12-31" });
  const waits = await fleet.api.rollouts.create(unify);
  expect((await fleet.until(waits.id, ({ hosts }) => hosts.succeeded === 5)).explanations.join("\n")).toMatch(/1 host waits for its window: h0.s opens at 2\d\d\d-/u);
  await fleet.api.rollouts.abort(waits.id);
  expect(await fleet.until(waits.id, isOver)).toMatchObject({ state: "aborted" });
  await fleet.api.hosts.revoke("h5");
  expect((await fleet.api.hosts.list()).map(({ state }) => state).filter((state) => state === "revoked")).toHaveLength(1);
  const actions: string[] = [];
  for await (const { action } of fleet.api.audit()) actions.push(action);
  expect(actions).toEqual(expect.arrayContaining(["rollout.create", "blackout.put", "rollout.abort", "host.revoke"]));
});
