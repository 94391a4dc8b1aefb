import { describe, expect, it } from "vitest";
import { FleetError } from "../fleet-error.ts";
import { Fleet } from "../testing/fleet.ts";
import { ALWAYS_OPEN } from "../windows/window-state.ts";

describe("tick", () => {
  it("works through canary and waves, never above the concurrency, and completes", () => {
    const fleet = new Fleet(20, { canary: 1, waves: ["25%"], policy: { concurrency: 4 } });
    expect(fleet.plan.waves.map(({ count }) => count)).toEqual([1, 5, 14]);
    fleet.tick();
    expect(fleet.working).toHaveLength(1);
    let most = 0;
    while (fleet.state.status === "running") {
      most = Math.max(most, fleet.working.length);
      fleet.report({ outcome: "succeeded", saved: { diskBytes: 1, cacheBytes: 2, memoryBytes: 0 } });
    }
    expect(most).toBe(4);
    expect(fleet.state.status).toBe("completed");
    expect(fleet.state.saved.map(({ diskBytes }) => diskBytes)).toEqual([1, 5, 14]);
    expect(fleet.given).toHaveLength(20);
    expect(new Set(fleet.given.map(({ host }) => host)).size).toBe(20);
    expect(fleet.heldHosts).toEqual([]);
  });

  it("changes nothing for a report that comes twice or belongs to an older fence", () => {
    const fleet = new Fleet(3, { policy: { concurrency: 1 } });
    fleet.tick();
    const [first] = fleet.working;
    fleet.report({ outcome: "interrupted" });
    const [second] = fleet.working;
    expect(second?.jobId).toBe(first?.jobId);
    expect(second?.fence).toBeGreaterThan(first?.fence ?? 0);
    const before = fleet.state;
    fleet.tick({ reports: [{ type: "result", jobId: first?.jobId ?? "", fence: first?.fence ?? 0, outcome: "succeeded" }] });
    expect(fleet.state).toBe(before);
    fleet.report({ outcome: "succeeded" });
    const after = fleet.state;
    fleet.tick({ reports: [{ type: "result", jobId: second?.jobId ?? "", fence: second?.fence ?? 0, outcome: "failed" }] });
    expect(fleet.state).toBe(after);
  });

  it("bears as many interruptions of a host as its policy says, and none after them", () => {
    const fleet = new Fleet(1, { policy: { maxInterruptions: 2 } });
    fleet.tick();
    for (let i = 0; i < 2; i++) fleet.report({ outcome: "interrupted" });
    expect(fleet.working).toHaveLength(1);
    fleet.report({ outcome: "interrupted" });
    expect(fleet.working).toEqual([]);
    expect(fleet.state).toMatchObject({ status: "failed", counts: { failed: 1 } });
  });

  it("stops by itself when the failure budget is used up, tells the working hosts to stop, and says why", () => {
    const fleet = new Fleet(10, { policy: { concurrency: 2, failureBudget: { limit: 0, minimumSample: 1 } } });
    fleet.tick();
    const stopped = fleet.report({ outcome: "failed", cause: { code: "EOPNOTSUPP", message: "no reflink" } });
    expect(stopped.cancel).toHaveLength(1);
    expect(fleet.state.status).toBe("aborting");
    fleet.report({ outcome: "stopped" });
    expect(fleet.state).toMatchObject({ status: "failed", reason: "failure budget: 1 hosts failed, 0 may" });
    expect(fleet.state.counts).toMatchObject({ failed: 1, stopped: 1, pending: 8 });
  });

  it("judges a percentage only from the minimum sample on, but the canary at once", () => {
    const patient = new Fleet(20, { policy: { concurrency: 1, failureBudget: { limit: "10%", minimumSample: 10 } } });
    patient.tick();
    for (let i = 0; i < 9; i++) patient.report({ outcome: "failed" });
    expect(patient.state.status).toBe("running");
    patient.report({ outcome: "failed" });
    expect(patient.state.status).toBe("failed");

    const canary = new Fleet(20, { canary: 1, policy: { failureBudget: { limit: "10%", minimumSample: 10 } } });
    canary.tick();
    canary.report({ outcome: "failed" });
    expect(canary.state.status).toBe("failed");
    expect(canary.given).toHaveLength(1);
  });

  it("aborts: nothing new starts, the working hosts are told to stop, and the end waits for their word", () => {
    const fleet = new Fleet(5, { policy: { concurrency: 2 } });
    fleet.tick();
    const { cancel } = fleet.tick({ command: { type: "abort", reason: "wrong selector" } });
    expect(cancel.map(({ reason }) => reason)).toEqual(["wrong selector", "wrong selector"]);
    fleet.report({ outcome: "stopped" });
    expect(fleet.state.status).toBe("aborting");
    fleet.report({ outcome: "succeeded" });
    expect(fleet.state.status).toBe("aborted");
    expect(fleet.given).toHaveLength(2);
    expect(() => fleet.tick({ command: { type: "resume" } })).toThrow(FleetError);
  });

  it("pauses and resumes without losing a report that came meanwhile", () => {
    const fleet = new Fleet(3, { policy: { concurrency: 1 } });
    fleet.tick();
    fleet.tick({ command: { type: "pause", reason: "lunch" } });
    fleet.report({ outcome: "succeeded" });
    expect(fleet.working).toEqual([]);
    expect(fleet.state).toMatchObject({ status: "paused", reason: "lunch" });
    fleet.tick({ command: { type: "resume" } });
    expect(fleet.working).toHaveLength(1);
  });

  it("retries the failed hosts with a higher fence and completes", () => {
    const fleet = new Fleet(4, { policy: { concurrency: 4, failureBudget: { limit: 1, minimumSample: 1 } } });
    fleet.tick();
    fleet.report({ outcome: "failed" });
    for (let i = 0; i < 3; i++) fleet.report({ outcome: "succeeded" });
    expect(fleet.state).toMatchObject({ status: "completed", counts: { failed: 1 } });
    fleet.tick({ command: { type: "retry" } });
    expect(fleet.working).toHaveLength(1);
    expect(fleet.working[0]?.fence).toBe(5);
    fleet.report({ outcome: "succeeded" });
    expect(fleet.state).toMatchObject({ status: "completed", counts: { failed: 0, succeeded: 4 } });
  });

  it("makes a silent host a failure, keeps its place until its lease is over, and still believes its late result", () => {
    const fleet = new Fleet(2, { policy: { concurrency: 1, silenceMs: 60_000, jobTimeoutMs: 600_000, failureBudget: { limit: 1, minimumSample: 1 } } });
    fleet.tick();
    const [silent] = fleet.working;
    fleet.tick({ reports: [{ type: "acknowledged", jobId: silent?.jobId ?? "", fence: silent?.fence ?? 0 }] });
    fleet.setHost(silent?.host ?? "", { online: false });
    fleet.wait(61_000);
    fleet.tick();
    expect(fleet.state.counts).toMatchObject({ failed: 1, pending: 1 });
    fleet.wait(600_000);
    fleet.tick();
    expect(fleet.state.counts).toMatchObject({ failed: 1, dispatching: 1 });
    fleet.tick({ reports: [{ type: "result", jobId: silent?.jobId ?? "", fence: silent?.fence ?? 0, outcome: "succeeded" }] });
    expect(fleet.state.counts).toMatchObject({ failed: 0, succeeded: 1, dispatching: 1 });
  });

  it.each(["skip", "fail", "wait"] as const)("does not hang on an offline host (%s)", (action) => {
    const fleet = new Fleet(3, { policy: { unavailable: { action, timeoutMs: 60_000 }, failureBudget: { limit: 1, minimumSample: 1 } } });
    fleet.setHost(fleet.plan.hosts[1]?.name ?? "", { online: false });
    fleet.tick();
    fleet.report({ outcome: "succeeded" });
    fleet.report({ outcome: "succeeded" });
    for (let i = 0; i < 5 && fleet.state.status === "running"; i++) {
      fleet.wait(60_000);
      fleet.tick();
    }
    expect(fleet.state.status).toBe("completed");
    expect(fleet.state.counts).toMatchObject({ succeeded: 2, [action === "fail" ? "failed" : "skipped"]: 1 });
  });

  it("takes a late host when it turns up, without having held up the next wave", () => {
    const fleet = new Fleet(4, { waves: [2], policy: { unavailable: { action: "wait", timeoutMs: 60_000 } } });
    const late = fleet.plan.hosts[0]?.name ?? "";
    fleet.setHost(late, { online: false });
    fleet.tick();
    fleet.report({ outcome: "succeeded" });
    fleet.wait(60_000);
    fleet.tick();
    expect(fleet.state.wave).toBe(1);
    fleet.setHost(late, { online: true });
    fleet.tick();
    expect(fleet.working.map(({ host }) => host)).toContain(late);
    for (let i = 0; i < 3; i++) fleet.report({ outcome: "succeeded" });
    expect(fleet.state).toMatchObject({ status: "completed", counts: { succeeded: 4 } });
  });

  const DAY = 24 * 3_600_000;
  const closedUntil = (opensAt: number) => ({ window: { open: false, opensAt, closesAt: null, lastClosedAt: null } });

  it("tries the next host where a canary cannot be worked on, says so, and names who waits and until when", () => {
    // Whichever host the order puts first: of a hundred rollouts none hangs.
    for (let id = 0; id < 100; id++) {
      const fleet = new Fleet(6, { id: `r${id}`, canary: 1 });
      fleet.setHost("h0", closedUntil(fleet.now + 10_000 * DAY));
      const { explanations } = fleet.tick();
      const [first, second] = fleet.plan.hosts;
      expect(fleet.working.map(({ host }) => host)).toEqual([first?.name === "h0" ? second?.name : first?.name]);
      const standsIn = [`${second?.name} stands in for canaries that cannot be worked on now`, `1 host waits for its window: h0's opens at ${new Date(fleet.now + 10_000 * DAY).toISOString()}`];
      expect(explanations).toEqual(["canary (1 of 2): 1 hosts working", ...(first?.name === "h0" ? standsIn : [])]);
      for (let host = 0; host < 5; host++) fleet.report({ outcome: "succeeded" });
      expect(fleet.state.counts).toMatchObject({ succeeded: 5, pending: 1 });
      expect(fleet.tick()).toMatchObject({ explanations: [expect.stringContaining("wave 1"), expect.stringContaining("h0's opens at 20")], nextTickAt: fleet.now + 10_000 * DAY });
    }
  });

  it("goes no further than the canary before as many hosts as asked for have been tried, and judges by those", () => {
    const fleet = new Fleet(6, { canary: 2, policy: { failureBudget: { limit: "40%", minimumSample: 6 } } });
    for (const { name } of fleet.plan.hosts.slice(1, 4)) fleet.setHost(name, closedUntil(fleet.now + 2 * DAY));
    fleet.tick();
    expect(fleet.working.map(({ host }) => host)).toEqual([fleet.plan.hosts[0]?.name, fleet.plan.hosts[4]?.name]);
    fleet.report({ outcome: "succeeded" });
    expect(fleet.working).toHaveLength(1);
    // The window of a canary that others are tried for opens: it is not one more.
    fleet.setHost(fleet.plan.hosts[1]?.name ?? "", { window: ALWAYS_OPEN });
    expect(fleet.tick().waiting.get(fleet.plan.hosts[1]?.name ?? "")).toContain("next wave");
    fleet.report({ outcome: "failed" });
    expect(fleet.state).toMatchObject({ status: "failed", reason: "failure budget: 1 of 2 finished hosts failed (50 %), 40% may" });
  });

  it("waits for windows of the days to come before the next wave, and not for one beyond, which is worked on when it opens", () => {
    const fleet = new Fleet(4, { waves: [2] });
    const [soon = "", never = ""] = fleet.plan.hosts.map(({ name }) => name);
    fleet.setHost(soon, closedUntil(fleet.now + 7 * DAY));
    fleet.setHost(never, closedUntil(fleet.now + 90 * DAY));
    expect(fleet.tick()).toMatchObject({ dispatch: [], nextTickAt: fleet.now + 7 * DAY });
    fleet.wait(7 * DAY);
    fleet.setHost(soon, { window: ALWAYS_OPEN });
    fleet.tick();
    for (let host = 0; host < 3; host++) fleet.report({ outcome: "succeeded" });
    expect(fleet.state).toMatchObject({ status: "running", wave: 1, counts: { succeeded: 3, pending: 1 } });
    fleet.wait(83 * DAY);
    fleet.setHost(never, { window: ALWAYS_OPEN });
    fleet.tick();
    fleet.report({ outcome: "succeeded" });
    expect(fleet.state).toMatchObject({ status: "completed", counts: { succeeded: 4 } });
  });

  it("keeps to its waves where all windows are far away: nobody could work sooner", () => {
    const fleet = new Fleet(4, { waves: [2] });
    for (const { name } of fleet.plan.hosts) fleet.setHost(name, closedUntil(fleet.now + 90 * DAY));
    fleet.tick();
    expect(fleet.state.wave).toBe(0);
    fleet.wait(90 * DAY);
    for (const { name } of fleet.plan.hosts) fleet.setHost(name, { window: ALWAYS_OPEN });
    fleet.tick();
    expect(fleet.working).toHaveLength(2);
  });

  it("leaves a host alone that another rollout holds, and takes it when it is free", () => {
    const fleet = new Fleet(1, {});
    const [host] = fleet.plan.hosts;
    fleet.setHost(host?.name ?? "", { heldBy: "other" });
    expect(fleet.tick().dispatch).toEqual([]);
    fleet.setHost(host?.name ?? "", { heldBy: null });
    const { dispatch, holds } = fleet.tick();
    expect(dispatch).toHaveLength(1);
    expect(holds.acquire).toEqual([host?.name]);
  });

  it("gives an unacknowledged command again with the same fence", () => {
    const fleet = new Fleet(1, {});
    const first = fleet.tick();
    fleet.wait(15_000);
    const second = fleet.tick();
    expect(second.dispatch).toEqual([{ ...first.dispatch[0], again: true }]);
    expect(second.explanations).toContain("h0 has been told more than once and does not answer; taken back after 120 s");
  });

  it("has a state that JSON carries unchanged", () => {
    const fleet = new Fleet(3, { policy: { concurrency: 2 } });
    fleet.tick();
    fleet.report({ outcome: "failed", cause: { code: "EIO", message: "disk" } });
    expect(JSON.parse(JSON.stringify(fleet.state))).toEqual(fleet.state);
    expect(JSON.parse(JSON.stringify(fleet.plan))).toEqual(fleet.plan);
  });
});
