import { mkdir, open, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loopFsSkipReason, openLoopFs, temporaryDirectory } from "@samepage/test-support";
import { describe, expect, test, vi } from "vitest";
import { eachOnce, isOver, lastWordMs, sorted } from "./expectations.ts";
import { startFaultFleet } from "./fault-fleet.ts";

vi.setConfig({ testTimeout: lastWordMs });

const unify = { operation: { kind: "unify" }, canary: "0", failureBudget: "100%" } as const;
const skipReason = loopFsSkipReason("ext4");

describe.skipIf(skipReason !== undefined)(`a disk that fills up at the agent${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, () => {
  test("a job that cannot be written down is refused and says so; one that runs already is reported all the same; nothing is lost once there is room", async () => {
    await using fs = await openLoopFs("ext4", 16);
    await using dir = await temporaryDirectory("samepage-full-");
    await mkdir(join(fs.mount, "state"));
    await symlink(join(fs.mount, "state"), join(dir.path, "h0"));
    await using fleet = await startFaultFleet({ hosts: 2, milliseconds: 100, holds: true, dir: dir.path });
    const filler = join(fs.mount, "filler");

    // Full while the job runs: the report cannot be kept on disk, and is sent from memory.
    const first = await fleet.api.rollouts.create(unify);
    await fleet.until(first.id, ({ hosts }) => hosts.running === 2);
    await fill(filler);
    fleet.allow();
    expect(await fleet.until(first.id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 2 }, reclaimedBytes: 2 * 4096 });
    expect(sorted(fleet.begun())).toEqual(eachOnce(2));

    // Full before it: refused, and no more than that.
    const second = await fleet.api.rollouts.create(unify);
    const failed = await fleet.until(second.id, isOver);
    expect(failed).toMatchObject({ hosts: { succeeded: 1, failed: 1 } });
    const reason = failed.waves.flatMap(({ hosts }) => hosts).find(({ host }) => host === "h0")?.reason;
    expect(reason).toMatch(/^cannot write \S+: .*(no space|ENOSPC)/iu);
    expect((await fleet.api.rollouts.report(second.id)).failures).toEqual([{ cause: expect.stringContaining("agent-storage"), hosts: ["h0"] }]);
    expect(fleet.begun().get("h0")).toBe(1);

    await rm(filler);
    await fleet.api.rollouts.retry(second.id);
    expect(await fleet.until(second.id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 2, failed: 0 } });
    expect(sorted(fleet.begun())).toEqual([["h0", 2], ["h1", 2]]);
  });
});

test("agents whose certificates ended while they were off wait as offline, come back by their keys and do the work once", async () => {
  // 7.2 seconds.
  await using fleet = await startFaultFleet({ hosts: 2, milliseconds: 300, controller: { certificateHours: 0.002 } });
  await fleet.killAgents();
  const { id } = await fleet.api.rollouts.create(unify);
  const waiting = await fleet.until(id, ({ explanations }) => explanations.some((line) => line.includes("offline")));
  expect(waiting.explanations).toContain("2 hosts wait for the host (offline)");
  expect(waiting.waves[0]?.hosts[0]?.reason).toMatch(/^waits for the host, which is offline, until 2/u);
  await sleep(8000);
  for (const { state, certificateExpiresAt } of await fleet.api.hosts.list()) {
    expect(state).toBe("offline");
    expect(Date.parse(certificateExpiresAt)).toBeLessThan(Date.now());
  }
  await fleet.startAgents();
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 2 } });
  expect(sorted(fleet.begun())).toEqual(eachOnce(2));
});

test("agents that are stopped and read nothing hold up nobody but themselves, and do what they were told once when they go on", async () => {
  await using fleet = await startFaultFleet({ hosts: 2, milliseconds: 300 });
  process.kill(fleet.agentsPid, "SIGSTOP");
  const { id } = await fleet.api.rollouts.create(unify);
  const told = await fleet.until(id, ({ hosts }) => hosts.dispatching === 2);
  expect(told.state).toBe("running");
  // Told again every 15 s; the agents find all of it when they read on.
  await sleep(2000);
  expect((await fleet.api.health()).state).toBe("ok");
  process.kill(fleet.agentsPid, "SIGCONT");
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 2 } });
  expect(sorted(fleet.begun())).toEqual(eachOnce(2));
});

/** Writes zeros until there is no room, not even for root. */
async function fill(path: string): Promise<void> {
  await using file = await open(path, "w");
  for (const size of [64 * 1024, 512]) {
    const block = Buffer.alloc(size);
    while (await file.write(block).then(() => true, () => false));
    await file.sync().catch(() => {});
  }
}
