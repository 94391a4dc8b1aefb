import { readdir } from "node:fs/promises";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Manifest, manifest } from "@samepage/test-corpus";
import { loopFsSkipReason, openLoopFs } from "@samepage/test-support";
import { describe, expect, test } from "vitest";
import { isOver } from "./expectations.ts";
import { type FaultFleet, startFaultFleet } from "./fault-fleet.ts";
import { makeGuests } from "./slow-guests.ts";

/** Kills in one rollout. */
const rounds = Number(process.env["SAMEPAGE_KILL_ROUNDS"] ?? "6");
/** A round takes seconds, most of them to start what was killed; a host works about 4 s and two do at a time: the rollout outlasts the kills. */
const hosts = Math.max(4, Math.ceil(rounds * 0.8));
const files = 6;
const bytesPerSecond = 2 * 1024 * 1024;
const operation = { kind: "unify", settings: { strategy: "hardlink", guard: "none" } } as const;
const skipReason = loopFsSkipReason("ext4");

describe.skipIf(skipReason !== undefined)(`killing again and again${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, () => {
  test(`${rounds} kills of controller, Redis and agents during one rollout end in the state that an undisturbed one reaches`, { timeout: 120_000 + rounds * 30_000 }, async () => {
    const undisturbed = await endState(async (fleet) => {
      const { id } = await fleet.api.rollouts.create({ operation, concurrency: hosts });
      return id;
    });
    let killed: string[] = [];
    const disturbed = await endState(async (fleet) => {
      const { id } = await fleet.api.rollouts.create({ operation, concurrency: 2, failureBudget: "0", interruptions: rounds });
      killed = await killAtRandom(fleet, id);
      return id;
    }, bytesPerSecond);
    expect(killed.filter((when) => when.endsWith("(in it)")).length, killed.join(", ")).toBeGreaterThanOrEqual(rounds / 2);
    expect(disturbed.rollout, killed.join(", ")).toEqual(undisturbed.rollout);
    expect(disturbed.hosts).toEqual(undisturbed.hosts);
    // What the disturbed one did is what was to be done: in each host all files of both guests are one inode.
    for (const [, links] of disturbed.hosts) expect(links.filter((line) => line.endsWith("shared"))).toHaveLength(2 * files);
  });
});

/** Everything that can be said of a fleet after a rollout, in words that do not depend on inode numbers and times. */
interface EndState {
  readonly rollout: object;
  /** By host: every name of its guests with what a guest could notice, and which names are one inode. */
  readonly hosts: readonly (readonly [string, readonly string[]])[];
}

async function endState(rollOut: (fleet: FaultFleet) => Promise<string>, rate?: number): Promise<EndState> {
  await using fs = await openLoopFs("ext4", 96 + hosts * 9);
  for (let host = 0; host < hosts; host++) await makeGuests(join(fs.mount, `h${host}-root`), files, `h${host}`);
  await using fleet = await startFaultFleet({ hosts, dir: fs.mount, engine: { kind: "real", ...(rate === undefined ? {} : { bytesPerSecond: rate }) } });
  const { state, hosts: counts } = await fleet.until(await rollOut(fleet), isOver, 60_000 + hosts * 20_000);
  const states: [string, string[]][] = [];
  for (let host = 0; host < hosts; host++) states.push([`h${host}`, await hostState(fs.mount, `h${host}-root`)]);
  return { rollout: { state, counts }, hosts: states };
}

async function hostState(top: string, root: string): Promise<string[]> {
  const guests = join(top, root, "guests");
  const described: string[] = [];
  for (const guest of (await readdir(guests)).sort()) {
    const entries: Manifest = await manifest(join(guests, guest));
    for (const [path, { type, mode, size, mtimeNs, content }] of entries) {
      // The time of a directory in which names were exchanged says when that was; a file's is its own.
      const time = type === "file" && path !== "hostname" ? mtimeNs : "";
      const shared = type === "file" && lstatSync(join(guests, guest, path)).ino === lstatSync(join(guests, "a", path)).ino && lstatSync(join(guests, "b", path)).ino === lstatSync(join(guests, "a", path)).ino;
      described.push(`${guest}/${path} ${type} ${mode.toString(8)} ${type === "file" && path === "hostname" ? "" : size} ${time} ${path === "hostname" ? "" : content} ${shared ? "shared" : "own"}`);
    }
  }
  return described;
}

/** Kills round by round; says what was killed, and whether the rollout was under way. */
async function killAtRandom(fleet: FaultFleet, id: string): Promise<string[]> {
  const victims = [
    { name: "controller", kill: async () => fleet.killController(), start: async () => fleet.startController() },
    { name: "redis", kill: async () => fleet.redis.kill(), start: async () => fleet.redis.start() },
    { name: "agents", kill: async () => fleet.killAgents(), start: async () => fleet.startAgents() },
  ];
  const killed: string[] = [];
  for (let round = 0; round < rounds; round++) {
    await sleep(Math.random() * 1500);
    const under = !isOver(await fleet.until(id, () => true));
    const victim = victims[Math.floor(Math.random() * victims.length)];
    if (victim === undefined) continue;
    killed.push(`${victim.name}${under ? " (in it)" : ""}`);
    await victim.kill();
    await sleep(Math.random() * 500);
    await victim.start();
  }
  return killed;
}
