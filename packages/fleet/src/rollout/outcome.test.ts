import { expect, it } from "vitest";
import { Fleet } from "../testing/fleet.ts";
import { compareSavings } from "./compare-savings.ts";
import { groupFailures } from "./group-failures.ts";
import { createRollbackPlan } from "./rollback-plan.ts";
import { createState } from "./rollout-state.ts";

const MB = { diskBytes: 1e6, cacheBytes: 5e5, memoryBytes: 0 };

it("groups failures by cause and kernel series, the largest group first", () => {
  const fleet = new Fleet(5, { policy: { failureBudget: { limit: 5, minimumSample: 1 } } });
  fleet.tick();
  fleet.report({ outcome: "failed", cause: { code: "ENOSPC", message: "disk full" } });
  for (let i = 0; i < 3; i++) fleet.report({ outcome: "failed", cause: { code: "EOPNOTSUPP", message: "no FIDEDUPERANGE" } });
  fleet.report({ outcome: "succeeded" });
  const groups = groupFailures(fleet.plan, fleet.state);
  expect(groups.map(({ summary }) => summary)).toEqual(["3 hosts: EOPNOTSUPP on 6.1", "1 host: ENOSPC on 6.1"]);
  expect(groups[0]?.hosts).toHaveLength(3);
});

it("compares what was predicted for the hosts that are done with what they really saved", () => {
  const fleet = new Fleet(3, { waves: [1], predictions: new Map([["h0", MB], ["h1", MB]]), policy: { failureBudget: { limit: 1, minimumSample: 1 } } });
  fleet.tick();
  while (fleet.state.status === "running") {
    const host = fleet.working[0]?.host;
    fleet.report(host === "h1" ? { outcome: "failed" } : { outcome: "succeeded", saved: { diskBytes: 900_000, cacheBytes: 0, memoryBytes: 0 } });
  }
  const [all] = compareSavings(fleet.plan, fleet.state);
  expect(all).toMatchObject({ predicted: { diskBytes: 2e6 }, predictedForDone: { diskBytes: 1e6 }, unpredicted: 1, real: { diskBytes: 1_800_000 } });
});

it("rolls back exactly the hosts that were touched, and only on their proof", () => {
  const fleet = new Fleet(6, { waves: [2], policy: { concurrency: 2 } });
  fleet.tick();
  expect(() => createRollbackPlan(fleet.plan, fleet.state, "r2", fleet.now)).toThrow("cannot roll back rollout r1: it is running");
  fleet.report({ outcome: "succeeded" });
  fleet.tick({ command: { type: "abort", reason: "test" } });
  fleet.report({ outcome: "stopped" });
  const plan = createRollbackPlan(fleet.plan, fleet.state, "r2", fleet.now);
  expect(plan.operation).toEqual({ kind: "deunify" });
  expect(plan.rollbackOf).toBe("r1");
  expect(new Set(plan.hosts.map(({ name }) => name))).toEqual(new Set(fleet.given.map(({ host }) => host)));

  const back = fleet.follow(plan, createState(plan));
  back.tick();
  back.report({ outcome: "succeeded", proved: true });
  back.report({ outcome: "succeeded" });
  expect(back.state).toMatchObject({ status: "completed", counts: { succeeded: 1, failed: 1 } });
  expect(groupFailures(plan, back.state)[0]?.code).toBe("unproved");
});
