import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { defaultConfig } from "@samepage/agent";
import type { AuditView, EventView } from "@samepage/controller/api";
import { expect, test } from "vitest";
import { simulatedEngine } from "./simulated-engine.ts";
import { isOver, startFleet } from "./test-fleet.ts";

const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };

async function withGuests(dir: string, hosts: readonly string[]): Promise<void> {
  for (const host of hosts) for (const guest of ["a", "b"]) await mkdir(join(dir, `${host}-root/guests/${guest}`), { recursive: true });
}

test("a canary rollout goes from an operator to every agent and back: progress, report, events and audit", async () => {
  await using fleet = await startFleet();
  const hosts = ["h1", "h2", "h3"];
  await withGuests(fleet.dir, hosts);
  let applied = 0;
  for (const host of hosts) await fleet.addAgent(host, { config, engine: simulatedEngine({ applied: () => applied++ }) });
  // The inventory follows the connection.
  const seen = async () => (await fleet.api.hosts.list()).map(({ name, state, guestCount }) => [name, state, guestCount]);
  await expect.poll(seen, { timeout: 30_000 }).toEqual(hosts.map((name) => [name, "online", 2]));
  const watching = new AbortController();
  const events: EventView[] = [];
  const watched = (async () => {
    for await (const event of fleet.api.events({}, watching.signal)) events.push(event);
  })();

  const { id, waves } = await fleet.api.rollouts.create({ operation: { kind: "unify" } });
  expect(waves.map(({ name, hosts: members }) => [name, members.length])).toEqual([
    ["canary", 1],
    ["wave 1", 2],
  ]);
  const ended = await fleet.until(id, isOver);
  expect(ended).toMatchObject({ state: "completed", hosts: { succeeded: 3, failed: 0 }, reclaimedBytes: 3 * 4096 });
  expect(applied).toBe(3);

  const report = await fleet.api.rollouts.report(id);
  expect(report.totals).toMatchObject({ reclaimedBytes: 3 * 4096, filesUnified: 15, pageCacheSavedBytes: 3 * 4096 });
  expect(report.hosts.map(({ state, result }) => [state, result?.["strategy"]])).toEqual(hosts.map(() => ["succeeded", "hardlink"]));
  const audit: AuditView[] = [];
  for await (const entry of fleet.api.audit()) audit.push(entry);
  expect(audit.filter(({ actor, action }) => actor === "admin" && action === "rollout.create")).toHaveLength(1);
  expect(audit.filter(({ action, detail }) => action === "rollout.host" && detail["to"] === "succeeded")).toHaveLength(3);
  await expect.poll(() => events.some((event) => event.type === "rollout" && event.state === "completed")).toBe(true);
  expect(events.filter(({ type }) => type === "progress").length).toBeGreaterThan(0);
  watching.abort();
  await watched;
});

test("the first failure beyond the budget stops the rollout, and the operator reads why", async () => {
  await using fleet = await startFleet();
  const hosts = ["h1", "h2"];
  await withGuests(fleet.dir, hosts);
  for (const host of hosts) await fleet.addAgent(host, { config, engine: simulatedEngine({ fails: () => true }) });
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, failureBudget: "0" });
  const ended = await fleet.until(id, isOver);
  expect(ended).toMatchObject({ state: "failed", hosts: { failed: 1 } });
  expect(ended.reason).not.toBe("");
  const report = await fleet.api.rollouts.report(id);
  expect(report.failures).toEqual([{ cause: expect.stringContaining("input-output"), hosts: [expect.any(String)] }]);
});

test("an abort reaches a running agent within two seconds", async () => {
  await using fleet = await startFleet();
  await withGuests(fleet.dir, ["h1"]);
  await fleet.addAgent("h1", { config, engine: simulatedEngine({ milliseconds: 60_000 }) });
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" } });
  await fleet.until(id, ({ hosts }) => hosts.running === 1);
  const begun = performance.now();
  await fleet.api.rollouts.abort(id);
  const ended = await fleet.until(id, isOver);
  expect(performance.now() - begun).toBeLessThan(2000);
  expect(ended).toMatchObject({ state: "aborted", hosts: { stopped: 1 } });
});
