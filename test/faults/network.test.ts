import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { compareManifests, manifest } from "@samepage/test-corpus";
import { loopFsSkipReason, openLoopFs } from "@samepage/test-support";
import { describe, expect, test, vi } from "vitest";
import { eachOnce, isOver, lastWordMs, sorted } from "./expectations.ts";
import { type FaultFleet, startFaultFleet } from "./fault-fleet.ts";
import { type IsolatedNetwork, isolatedNetworkSkipReason, openIsolatedNetwork } from "./isolated-network.ts";
import { openWindow } from "./own-window.ts";
import { processorTime } from "./processor-time.ts";
import { makeGuests } from "./slow-guests.ts";

vi.setConfig({ testTimeout: lastWordMs });

const skipReason = isolatedNetworkSkipReason() ?? loopFsSkipReason("ext4");
/** Real guests are twice as much to read as a window has time for. */
const files = 40;
const bytesPerSecond = 2 * 1024 * 1024;
const windowSeconds = 10;
const closedSeconds = 12;
/** What a busy machine may add to the moment at which a timer fires. */
const lateMs = 3000;

/** What happens to a fleet in mid-job, what an operator then reads, and how it ends. */
const faults = [
  {
    how: "cut off from the network",
    begin: async (_: FaultFleet, network: IsolatedNetwork) => network.cut(),
    says: "the time of 1 host is over: the agent has stopped by itself",
    end: async (_: FaultFleet, network: IsolatedNetwork) => network.heal(),
  },
  {
    how: "without any controller or Redis",
    begin: async (fleet: FaultFleet) => {
      await fleet.killController();
      await fleet.redis.kill();
    },
    says: "does not answer",
    end: async (fleet: FaultFleet) => {
      await fleet.redis.start();
      await fleet.startController();
    },
  },
] as const;

describe.skipIf(skipReason !== undefined)(`a network that can fail${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, () => {
  test.each(faults)("an agent $how stops when its window closes, does nothing outside it, and goes on in the next one where it was", async ({ begin, says, end }) => {
    await using network = await openIsolatedNetwork();
    await using fs = await openLoopFs("ext4", 160);
    const guests = await makeGuests(join(fs.mount, "h0-root"), files);
    const before = await Promise.all(guests.map(manifest));
    await using fleet = await startFaultFleet({ hosts: 1, engine: { kind: "real", bytesPerSecond }, network, dir: fs.mount });
    const { closesAt, nextOpensAt } = await openWindow(fleet.api, windowSeconds, closedSeconds);
    const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify", settings: { strategy: "hardlink", guard: "none" } } });
    await fleet.until(id, ({ hosts }) => hosts.running === 1);
    await begin(fleet, network);
    expect(Date.now(), "the fault comes in mid-job").toBeLessThan(closesAt - 1000);

    await sleep(closesAt + lateMs - Date.now());
    const [stoppedAt = 0] = fleet.moments("h0", "told to stop");
    expect(stoppedAt).toBeGreaterThan(closesAt - 500);
    expect(stoppedAt).toBeLessThan(closesAt + lateMs);
    const atClosing = await processorTime(fleet.agentsPid);
    const atClosingTree = await Promise.all(guests.map(manifest));
    const read = await fleet.api.rollouts.get(id).then(
      ({ explanations }) => explanations.join("\n"),
      (error: unknown) => String(error),
    );
    expect(read).toContain(says);
    await sleep(nextOpensAt - 2000 - Date.now());
    // Nothing outside the window: no job begun, no name changed, no work.
    expect(sorted(fleet.begun())).toEqual([["h0", 1]]);
    expect(await Promise.all(guests.map(manifest))).toEqual(atClosingTree);
    expect((await processorTime(fleet.agentsPid)) - atClosing).toBeLessThan(1);

    await end(fleet, network);
    const ended = await fleet.until(id, isOver);
    expect(ended).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
    expect(Date.parse(ended.finishedAt ?? "")).toBeGreaterThan(nextOpensAt);
    expect(sorted(fleet.begun())).toEqual([["h0", 2]]);
    // Undisturbed, each file is read once to be told apart and once more as an object of the pool; the first window's part is not read again.
    const [report] = (await fleet.api.rollouts.report(id)).hosts;
    expect(report?.result).toMatchObject({ files: { unified: files } });
    expect(numberAt(report?.result, "bytes", "hashed")).toBeLessThan(3 * files * 512 * 1024 - 3 * bytesPerSecond);
    const after = await Promise.all(guests.map(manifest));
    expect(guests.flatMap((_, index) => compareManifests(before[index] ?? new Map(), after[index] ?? new Map(), "kept"))).toEqual([]);
  });

  test("with 30 % of all packets lost a rollout takes longer and ends the same: every host once", async () => {
    await using network = await openIsolatedNetwork();
    await using fleet = await startFaultFleet({ hosts: 4, milliseconds: 300, network });
    await network.lose(30);
    const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, concurrency: 4 });
    expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 4 }, reclaimedBytes: 4 * 4096 });
    expect(sorted(fleet.begun())).toEqual(eachOnce(4));
  });
});

function numberAt(result: Readonly<Record<string, unknown>> | null | undefined, group: string, field: string): number {
  const within = result?.[group];
  const value: unknown = typeof within === "object" && within !== null ? Reflect.get(within, field) : undefined;
  return typeof value === "number" ? value : Number.NaN;
}
