import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { defaultConfig } from "@samepage/agent";
import { expect, test } from "vitest";
import { simulatedEngine } from "./simulated-engine.ts";
import { isOver, startFleet, type TestFleet } from "./test-fleet.ts";

const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };
const freeze = { name: "freeze", selector: "env=prod", zone: "UTC", from: "2000-01-01", to: "2199-12-31" };

async function addHost(fleet: TestFleet, host: string, env: string, milliseconds: number, applied: () => void): Promise<void> {
  await mkdir(join(fleet.dir, `${host}-root/guests/a`), { recursive: true });
  await fleet.addAgent(host, { config, engine: simulatedEngine({ milliseconds, applied }), labels: { env } });
}

test("a blackout keeps its hosts untouched and says so; when it is lifted they are worked on", async () => {
  await using fleet = await startFleet();
  const applied: string[] = [];
  await addHost(fleet, "p1", "prod", 20, () => applied.push("p1"));
  await addHost(fleet, "t1", "test", 20, () => applied.push("t1"));
  await fleet.api.windows.putBlackout(freeze);
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, canary: "0" });
  const waiting = await fleet.until(id, ({ hosts }) => hosts.succeeded === 1);
  expect(applied).toEqual(["t1"]);
  expect(waiting.hosts.pending).toBe(1);
  expect(waiting.explanations).toContain("1 host waits for its window: p1's opens at 2200-01-01T00:00:00.000Z");
  const held = waiting.waves.flatMap(({ hosts }) => hosts).find(({ host }) => host === "p1");
  expect(held?.reason).toMatch(/^waits for its window, which opens at 2200-01-01T00:00:00.000Z$/u);
  await fleet.api.windows.removeBlackout("freeze");
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 2 } });
  expect(applied).toEqual(["t1", "p1"]);
});

test("a freeze stops what runs, with a checkpoint, and the host goes on when it is lifted", async () => {
  await using fleet = await startFleet();
  let applied = 0;
  await addHost(fleet, "p1", "prod", 3000, () => applied++);
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" } });
  await fleet.until(id, ({ hosts }) => hosts.running === 1);
  await fleet.api.windows.putBlackout(freeze);
  await fleet.until(id, ({ hosts }) => hosts.pending === 1);
  await sleep(500);
  expect(applied).toBe(1);
  await fleet.api.windows.removeBlackout("freeze");
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
  expect(applied).toBe(2);
});

test("a rollout told to ignore windows runs in a freeze", async () => {
  await using fleet = await startFleet();
  await addHost(fleet, "p1", "prod", 20, () => {});
  await fleet.api.windows.putBlackout(freeze);
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, ignoreWindows: true });
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed" });
});

test("windows are refused with the mistake's place, listed, and previewed in both zones", async () => {
  await using fleet = await startFleet();
  await addHost(fleet, "p1", "prod", 20, () => {});
  const nightly = { name: "nightly", selector: "env=prod", schedule: "Sat 23:30", zone: "Asia/Tokyo", durationSeconds: 3600 };
  await expect(fleet.api.windows.put({ ...nightly, schedule: "0 25 * * *" })).rejects.toMatchObject({ code: "invalid", target: "0 25 * * *" });
  await expect(fleet.api.windows.put({ ...nightly, zone: "Mars/Olympus" })).rejects.toMatchObject({ code: "invalid" });
  expect(await fleet.api.windows.put(nightly)).toEqual(nightly);
  expect(await fleet.api.windows.list()).toEqual({ windows: [nightly], blackouts: [] });
  const [first, second] = await fleet.api.windows.next("p1", 2);
  expect(first?.inWindowZone.opens).toMatch(/^Sat .* 23:30 /u);
  expect(Date.parse(second?.opensAt ?? "") - Date.parse(first?.opensAt ?? "")).toBe(7 * 86_400_000);
  await fleet.api.windows.remove("nightly");
  await expect(fleet.api.windows.remove("nightly")).rejects.toMatchObject({ code: "not-found" });
});

test("a rollback gives back what an aborted rollout touched, and nothing else", async () => {
  await using fleet = await startFleet();
  for (const host of ["h1", "h2", "h3"]) await addHost(fleet, host, "test", 300, () => {});
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, concurrency: 1 });
  await fleet.until(id, ({ hosts }) => hosts.succeeded === 1);
  await expect(fleet.api.rollouts.rollback(id)).rejects.toMatchObject({ code: "conflict" });
  await fleet.api.rollouts.abort(id);
  const aborted = await fleet.until(id, isOver);
  const back = await fleet.api.rollouts.rollback(id);
  const ended = await fleet.until(back.id, isOver);
  expect(ended).toMatchObject({ state: "completed", operation: { kind: "deunify" } });
  expect(ended.hosts.succeeded).toBe(3 - aborted.hosts.pending);
});
