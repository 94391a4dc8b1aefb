import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultConfig } from "@samepage/agent";
import { isOver, simulatedEngine, startFleet, type TestFleet } from "@samepage/test-e2e";
import { expect, test } from "vitest";
import { openReleasedWire, type ReleasedWire, releasedContract } from "./released-wire.ts";

const config = { ...defaultConfig, cowGuard: "off" as const, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };

/** An enrolled agent whose stream goes over a wire of the released contract. */
async function addOverWire(fleet: TestFleet, host: string, applied: () => void): Promise<ReleasedWire> {
  await mkdir(join(fleet.dir, `${host}-root/guests/a`), { recursive: true });
  const member = await fleet.addAgent(host, { config });
  await member.close();
  const stateDir = join(fleet.dir, host);
  const wire = await openReleasedWire(releasedContract(), stateDir, join(fleet.dir, "controller"));
  const identity: object = JSON.parse(await readFile(join(stateDir, "identity.json"), "utf8"));
  await writeFile(join(stateDir, "identity.json"), JSON.stringify({ ...identity, controller: wire.address }));
  const agent = await fleet.startAgent(host, { config, engine: simulatedEngine({ milliseconds: 300, applied }) });
  await agent.connected();
  return wire;
}

test("over the released contract an agent is inventoried, works, reports and is aborted as ever", async () => {
  await using fleet = await startFleet({ heartbeatSeconds: 1 });
  let applied = 0;
  await using _ = await addOverWire(fleet, "h1", () => applied++);
  await expect.poll(async () => (await fleet.api.hosts.get("h1")).guestCount, { timeout: 20_000 }).toBe(1);
  for (const kind of ["plan", "unify", "deunify", "verify", "gc"] as const) {
    const { id } = await fleet.api.rollouts.create({ operation: { kind } });
    expect(await fleet.until(id, isOver), kind).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
  }
  expect(applied).toBe(1);
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" } });
  await fleet.api.rollouts.abort(id);
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "aborted" });
});

test("a gate never passes for a host whose agent is older than gates: it waits, and says for what", async () => {
  await using fleet = await startFleet({ heartbeatSeconds: 1 });
  await using wire = await addOverWire(fleet, "h1", () => {});
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, gates: [{ kind: "guests" }] });
  const waiting = await fleet.until(id, ({ state, explanations }) => state === "soaking" && explanations.some((line) => line.startsWith("gate:")));
  expect(waiting.explanations).toContain("gate: 1 host has not reported on guests since the wave's end");
  // The wire has really carried less than was said.
  await expect.poll(() => wire.dropped.toController, { timeout: 10_000 }).toBeGreaterThan(0);
  await fleet.api.rollouts.abort(id);
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "aborted" });
});
