import { expect, test } from "vitest";
import { measureFleet } from "./measure-fleet.ts";

test("forty real agents go through a rollout with failures and restarts, each host ends once, and all come back after the controller is killed", async () => {
  const { rollout, reconnect, rest } = await measureFleet({ agents: 40, simulators: 1, restMs: 1000 }, () => {});
  const { succeeded, failed, skipped, pending } = rollout.hosts;
  expect(rollout.state).toBe("completed");
  expect([succeeded + failed, skipped, pending]).toEqual([40, 0, 0]);
  expect(rollout.begun).toBeGreaterThanOrEqual(succeeded + failed);
  expect(reconnect.mostPerSecond).toBeLessThanOrEqual(150);
  expect(rest.bytesPerAgent).toBeGreaterThan(0);
});
