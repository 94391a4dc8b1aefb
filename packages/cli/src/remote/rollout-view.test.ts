import { expect, test } from "vitest";
import type { RolloutHostView, RolloutView } from "@samepage/controller/api";
import { rolloutAfter } from "@samepage/controller/api/rollout-after";
import { describeTerminal } from "../terminal/terminal.ts";
import { textWidth } from "../terminal/text-width.ts";
import { eventLine, rolloutLines } from "./rollout-lines.ts";

const waiting = (host: string): RolloutHostView => ({ host, state: "pending", reason: "", progress: null, predictedBytes: null, reclaimedBytes: null });
const rollout: RolloutView = {
  id: "r1", name: "unify", operation: { kind: "unify" }, selector: "all", state: "running", reason: "", createdAt: "2026-01-01T00:00:00Z", createdBy: "admin", finishedAt: null,
  hosts: { pending: 3, dispatching: 0, acknowledged: 0, running: 0, succeeded: 0, failed: 0, stopped: 0, skipped: 0 },
  wave: 0, waveCount: 2, reclaimedBytes: 0, waves: [{ name: "canary", hosts: [waiting("a")] }, { name: "wave 1", hosts: [waiting("b"), waiting("c")] }], explanations: [], notices: [],
};
const event = { id: "1", at: "2026-01-01T00:00:01Z" } as const;

test("events bring a rollout's hosts, counts and bytes up to date", () => {
  const ended = rolloutAfter(rollout, [{ ...event, type: "rollout-host", rollout: "r1", host: "a", state: "succeeded", reason: "", reclaimedBytes: 4096 }]);
  expect(ended.hosts).toMatchObject({ pending: 2, succeeded: 1 });
  expect(ended.reclaimedBytes).toBe(4096);
  const next = rolloutAfter(ended, [{ ...event, type: "rollout", rollout: "r1", state: "running", reason: "", wave: 1 }]);
  expect(next.wave).toBe(1);
  expect(rolloutAfter(next, [{ ...event, type: "rollout", rollout: "other", state: "failed", reason: "", wave: 0 }])).toBe(next);
});

test("the live view fits the terminal and shows what runs and what failed before what waits", () => {
  const terminal = describeTerminal({ isTTY: true, columns: 72 }, { NO_COLOR: "1" });
  const running = rolloutAfter(rollout, [{ ...event, type: "rollout-host", rollout: "r1", host: "c", state: "running", reason: "", reclaimedBytes: null }]);
  const busy = rolloutAfter(running, [{ ...event, type: "progress", rollout: "r1", host: "c", progress: { phase: "identify", files: 1, filesTotal: 2, bytes: 50, bytesTotal: 100 } }]);
  const lines = rolloutLines(busy, terminal);
  expect(lines[2]).toMatch(/^c +2 +running +identify ██████░░░░░░ {2}50%/u);
  for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(72);
});

test("a line for logs carries the event's own time, and a host's words cannot bring control characters", () => {
  expect(eventLine({ ...event, type: "rollout-host", rollout: "r1", host: "a", state: "failed", reason: "no\u{1b}[2J space", reclaimedBytes: null })).toBe(
    String.raw`2026-01-01T00:00:01Z a failed: no\x1b[2J space`,
  );
});
