import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { startFaultFleet } from "./fault-fleet.ts";

/** Kills in one rollout. */
const rounds = Number(process.env["SAMEPAGE_KILL_ROUNDS"] ?? "6");

test(`${rounds} kills of controller, Redis and agents during one rollout end in the state that an undisturbed one reaches`, { timeout: 60_000 + rounds * 20_000 }, async () => {
  const hosts = 8;
  await using fleet = await startFaultFleet({ hosts, milliseconds: 1000 });
  const victims = [
    { name: "controller", kill: async () => fleet.killController(), start: async () => fleet.startController() },
    { name: "redis", kill: async () => fleet.redis.kill(), start: async () => fleet.redis.start() },
    { name: "agents", kill: async () => fleet.killAgents(), start: async () => fleet.startAgents() },
  ];
  let id = "";
  const killed: string[] = [];
  let rollouts = 0;
  for (let round = 0; round < rounds; round++) {
    // A rollout that ended between two kills is followed by another, so that every kill falls into one.
    const state = id === "" ? "completed" : (await fleet.until(id, () => true)).state;
    if (state === "completed") {
      ({ id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, concurrency: 2, failureBudget: "0" }));
      rollouts++;
    }
    expect(["completed", "created", "running"]).toContain(state);
    await sleep(Math.random() * 1500);
    const victim = victims[Math.floor(Math.random() * victims.length)];
    if (victim === undefined) continue;
    killed.push(victim.name);
    await victim.kill();
    await sleep(Math.random() * 500);
    await victim.start();
  }
  const ended = await fleet.until(id, ({ state }) => state === "completed" || state === "failed");
  expect(ended, `killed ${killed.join(", ")}: ${ended.reason}`).toMatchObject({ state: "completed", hosts: { succeeded: hosts, failed: 0, skipped: 0 } });
  expect(rollouts).toBeGreaterThan(0);
});
