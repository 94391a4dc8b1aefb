import type { EventView, HostView, RolloutHostView, RolloutView } from "@samepage/controller/api";
import { expect, test } from "vitest";
import { applyEvents, emptyFleet, isNews } from "./fleet-state.ts";

const host = { name: "a", labels: {}, state: "offline", cordoned: false, enrolledAt: "", lastSeenAt: null, certificateExpiresAt: "", clockOffsetMs: null, facts: null, guestCount: 0, rollout: null } satisfies HostView;
const online: EventView = { id: "1-0", at: "2026-01-01T00:00:00.000Z", type: "host", host: "a", state: "online", reason: "" };
const progress: EventView = { id: "2-0", at: "2026-01-01T00:00:01.000Z", type: "progress", rollout: "r", host: "a", progress: { phase: "scan", files: 1, filesTotal: 2, bytes: 3, bytesTotal: 4 } };

test("a host's event changes that host only, and the state before stays as it was", () => {
  const before = { ...emptyFleet, hosts: new Map([["a", host], ["b", { ...host, name: "b" }]]) };
  const after = applyEvents(before, [online]);
  expect(after.hosts.get("a")?.state).toBe("online");
  expect(after.hosts.get("b")).toBe(before.hosts.get("b"));
  expect(before.hosts.get("a")?.state).toBe("offline");
});

test("a host's own page hears of it, whether the hosts were read or not", () => {
  expect(applyEvents(emptyFleet, [online]).heard.get("a")).toBe("online");
  expect(applyEvents(emptyFleet, [online]).hosts).toBe(emptyFleet.hosts);
});

test("a rollout's progress leaves the lists as they are, so that they are not drawn again", () => {
  const after = applyEvents(emptyFleet, [progress, progress]);
  expect(after.hosts).toBe(emptyFleet.hosts);
  expect(after.rollouts).toBe(emptyFleet.rollouts);
});

test("the followed rollout takes every event of a batch in its turn, and no other rollout's", () => {
  const waiting: RolloutHostView = { host: "a", state: "pending", reason: "", progress: null, predictedBytes: null, reclaimedBytes: null };
  const counts = { pending: 2, dispatching: 0, acknowledged: 0, running: 0, succeeded: 0, failed: 0, stopped: 0, skipped: 0 };
  const followed: RolloutView = {
    id: "r", name: "unify", operation: { kind: "unify" }, selector: "all", state: "running", reason: "", createdAt: "", createdBy: "", finishedAt: null,
    hosts: counts, wave: 0, waveCount: 1, reclaimedBytes: 0, explanations: [], notices: [], waves: [{ name: "canary", hosts: [waiting, { ...waiting, host: "b" }] }],
  };
  const ended = (rollout: string, host: string): EventView => ({ id: "3-0", at: "", type: "rollout-host", rollout, host, state: "succeeded", reason: "", reclaimedBytes: 5 });
  const after = applyEvents({ ...emptyFleet, followed }, [progress, ended("r", "a"), ended("other", "b")]).followed;
  expect(after?.hosts).toEqual({ ...counts, pending: 1, succeeded: 1 });
  expect(after?.waves[0]?.hosts.map(({ state, progress: seen }) => `${state} ${seen?.phase}`)).toEqual(["succeeded scan", "pending undefined"]);
});

test("only an event about a name that a list which was read does not hold asks for the lists again", () => {
  expect(isNews(emptyFleet, online)).toBe(false);
  expect(isNews({ ...emptyFleet, hostsComplete: true }, online)).toBe(true);
  expect(isNews({ ...emptyFleet, hostsComplete: true, hosts: new Map([["a", host]]) }, online)).toBe(false);
  expect(isNews(emptyFleet, progress)).toBe(false);
});
