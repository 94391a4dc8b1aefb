import { expect, test } from "vitest";
import { judge } from "./fleet-targets.ts";
import { measureFleet } from "./measure-fleet.ts";

test("forty real agents go through a rollout with failures and restarts, each job is done exactly once, and all come back through the gate after the controller is killed", async () => {
  const measures = await measureFleet({ agents: 40, settleMs: 300, restMs: 1000 }, () => {});
  expect(measures.rest.marginalBytes).toBeGreaterThan(0);
  // What forty agents cost says nothing about ten thousand; what becomes of them does.
  const isKept = judge(measures).filter(({ what }) => /rollout ends|exactly once|back after|gate lets/u.test(what));
  expect(isKept).toHaveLength(4);
  expect(isKept.filter(({ isMet }) => !isMet)).toEqual([]);
});
