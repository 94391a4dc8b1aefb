import { randomInt } from "node:crypto";
import { readdir } from "node:fs/promises";
import { lstatSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type Manifest, manifest, random } from "@samepage/test-corpus";
import { loopFsSkipReason, openLoopFs } from "@samepage/test-support";
import { describe, expect, test } from "vitest";
import { isOver } from "./expectations.ts";
import { type FaultFleet, startFaultFleet } from "./fault-fleet.ts";
import { makeGuests } from "./slow-guests.ts";

/** Kills in one rollout. */
const rounds = Number(process.env["SAMEPAGE_KILL_ROUNDS"] ?? "6");
/** Whom to kill, and when: the same seed draws the same. */
const seed = Number(process.env["SAMEPAGE_KILL_SEED"] ?? randomInt(1_000_000));
/** Each host's work is let go after its share of the kills, so that the rollout lasts as long as they do, however fast the machine. */
const hosts = Math.max(4, Math.ceil(rounds / 5));
const files = 6;
/** A host works some five seconds then, and one is worked on while its neighbour waits for the file system: most kills meet work under way. */
const bytesPerSecond = 2 * 1024 * 1024;
const fileBytes = (host: number): number => 512 * 1024 + host * 4096;
const operation = { kind: "unify", settings: { strategy: "hardlink", guard: "none" } } as const;
const skipReason = loopFsSkipReason("ext4");

describe.skipIf(skipReason !== undefined)(`killing again and again${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, () => {
  // The fleet gives up when nothing moves any more; this is only the last word.
  test(`${rounds} kills of controller, Redis and agents during one rollout (SAMEPAGE_KILL_SEED=${seed}) end in the state that an undisturbed one reaches`, { timeout: 300_000 + rounds * 30_000 }, async () => {
    const undisturbed = await endState(async (fleet) => {
      const { id } = await fleet.api.rollouts.create({ operation, concurrency: hosts });
      fleet.allow();
      return id;
    });
    let killed: string[] = [];
    const disturbed = await endState(async (fleet) => {
      const { id } = await fleet.api.rollouts.create({ operation, concurrency: 2, failureBudget: "0", interruptions: rounds });
      killed = await killAtRandom(fleet, id);
      return id;
    }, bytesPerSecond);
    const said = `SAMEPAGE_KILL_SEED=${seed}: ${killed.join(", ")}`;
    expect(killed.filter((when) => when.endsWith("(in it)")), said).toHaveLength(rounds);
    expect(disturbed.rollout, said).toEqual(undisturbed.rollout);
    expect(disturbed.twice.map((history) => history.join("\n")), said).toEqual([]);
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
  /** Histories of hosts whose success does not count exactly once, or whose fences do not rise from command to command. */
  readonly twice: readonly (readonly string[])[];
}

async function endState(rollOut: (fleet: FaultFleet) => Promise<string>, rate?: number): Promise<EndState> {
  await using fs = await openLoopFs("ext4", 96 + hosts * 9);
  for (let host = 0; host < hosts; host++) await makeGuests(join(fs.mount, `h${host}-root`), files, `h${host}`, fileBytes(host));
  await using fleet = await startFaultFleet({ hosts, holds: true, dir: fs.mount, engine: { kind: "real", ...(rate === undefined ? {} : { bytesPerSecond: rate }) } });
  const id = await rollOut(fleet);
  const { state, hosts: counts } = await fleet.until(id, isOver);
  const twice: (readonly string[])[] = [];
  for (let host = 0; host < hosts; host++) {
    const history = await fleet.history(id, `h${host}`);
    if (!isOnce(history)) twice.push(history);
  }
  const states: [string, string[]][] = [];
  for (let host = 0; host < hosts; host++) states.push([`h${host}`, await hostState(fs.mount, `h${host}-root`)]);
  return { rollout: { state, counts }, hosts: states, twice };
}

/** Whether a host's success counts once, at its last fence, and each command's fence is above the one before. */
function isOnce(history: readonly string[]): boolean {
  const commands = history.filter((line) => line.includes('"to":"dispatching"')).map(fenceOf);
  const successes = history.filter((line) => line.includes('"to":"succeeded"')).map(fenceOf);
  return successes.length === 1 && successes[0] === commands.at(-1) && commands.every((fence, index) => fence > (commands[index - 1] ?? 0));
}

function fenceOf(line: string): number {
  return Number(/"fence":(\d+)/u.exec(line)?.[1]);
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
  const draw = random(seed);
  const killed: string[] = [];
  for (let round = 0; round < rounds; round++) {
    fleet.allow(Math.floor((round * hosts) / rounds));
    await sleep(draw.below(1500));
    const under = !isOver(await fleet.until(id, () => true));
    const victim = victims[draw.below(victims.length)];
    if (victim === undefined) continue;
    killed.push(`${victim.name}${under ? " (in it)" : ""}`);
    await victim.kill();
    await sleep(draw.below(500));
    await victim.start();
  }
  fleet.allow();
  return killed;
}
