import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defaultConfig } from "@samepage/agent";
import { AckResult, type ConnectRequest, Outcome } from "@samepage/proto";
import { expect, test } from "vitest";
import { openRawStream, readStoredIdentity } from "./raw-agent.ts";
import { simulatedEngine } from "./simulated-engine.ts";
import { isOver, startFleet, type TestFleet } from "./test-fleet.ts";

const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };
/** Heartbeats carry what gates look at; a second apart, so that no test waits half a minute for one. */
const options = { heartbeatSeconds: 1 };
const canaryFirst = { operation: { kind: "unify" }, selector: "name~h*", canary: "1" } as const;

/** What a kernel with PSI shows of a host, in its own files. */
async function setPressure(fleet: TestFleet, host: string, memory: number): Promise<void> {
  const dir = join(fleet.dir, `${host}-root/proc/pressure`);
  await mkdir(dir, { recursive: true });
  for (const resource of ["cpu", "memory", "io"]) {
    const percent = (resource === "memory" ? memory : 1).toFixed(2);
    await writeFile(join(dir, resource), `some avg10=${percent} avg60=${percent} avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n`);
  }
}

async function addHost(fleet: TestFleet, host: string, applied: () => void): Promise<void> {
  await mkdir(join(fleet.dir, `${host}-root/guests/a`), { recursive: true });
  await fleet.addAgent(host, { config, engine: simulatedEngine({ applied }) });
}

test.concurrent("memory pressure after the canary holds the rollout and says which host and how much; an operator may go on", async () => {
  await using fleet = await startFleet(options);
  const worked: string[] = [];
  for (const host of ["h1", "h2", "h3"]) await addHost(fleet, host, () => worked.push(host));
  for (const host of ["h1", "h2", "h3"]) await setPressure(fleet, host, 45.5);
  const { id } = await fleet.api.rollouts.create({ ...canaryFirst, gates: [{ kind: "psi", resource: "memory", maxPercent: 20 }] });
  const held = await fleet.until(id, ({ state }) => state === "paused");
  expect(held.reason).toMatch(/^gate: h\d: memory pressure 45\.5 %, 20 % may be$/u);
  expect(worked).toHaveLength(1);
  // What is over: the canary's wave is waived by the operator, the next one's gate is not.
  await fleet.api.rollouts.resume(id);
  const again = await fleet.until(id, ({ state, hosts }) => state === "paused" && hosts.succeeded === 3);
  expect(again.reason).toContain("memory pressure");
  for (const host of ["h1", "h2", "h3"]) await setPressure(fleet, host, 3);
  await fleet.api.rollouts.resume(id);
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed" });
});

test.concurrent("calm hosts let the rollout pass", async () => {
  await using fleet = await startFleet(options);
  for (const host of ["h1", "h2"]) {
    await addHost(fleet, host, () => {});
    await setPressure(fleet, host, 3);
  }
  const { id } = await fleet.api.rollouts.create({ ...canaryFirst, gates: [{ kind: "psi", resource: "memory", maxPercent: 20 }, { kind: "guests" }, { kind: "ksm" }, { kind: "jobs", maxFailed: "0" }] });
  const waiting = await fleet.until(id, ({ state, explanations }) => state === "soaking" && explanations.length > 0);
  expect(waiting.explanations.join("\n")).toContain("the next begins after");
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 2 } });
});

test.concurrent("a guest that ran before the job and does not after it holds the rollout, by name; others do not count", async () => {
  await using fleet = await startFleet(options);
  for (const host of ["h1", "h2"]) {
    const root = join(fleet.dir, `${host}-root`);
    const processRoot = join(root, "proc/100/root");
    // A process with the guest's directory as its root: that is how the agent knows that a guest runs. /b has never run.
    await mkdir(join(root, "proc/100"), { recursive: true });
    await mkdir(join(root, "guests/b"), { recursive: true });
    await symlink("../../guests/a", processRoot);
    await addHost(fleet, host, () => void rm(processRoot));
  }
  const { id } = await fleet.api.rollouts.create({ ...canaryFirst, gates: [{ kind: "guests" }] });
  const held = await fleet.until(id, ({ state }) => state === "paused");
  expect(held.reason).toMatch(/^gate: h\d: guests down: dir\/guests\/a$/u);
  expect(held.hosts.succeeded).toBe(1);
});

test.concurrent("a host whose KSM backed off holds the rollout with the tuner's own reason", async () => {
  await using fleet = await startFleet(options);
  const member = await fleet.addAgent("h1", { config, engine: simulatedEngine() });
  await member.close();
  using stream = openRawStream(await readStoredIdentity(join(fleet.dir, "h1")));
  const facts = { agentVersion: "0", kernel: "", architecture: "", operatingSystem: "", cpus: 1, memoryBytes: 0n, timeZone: "UTC", capabilities: [] };
  stream.send({ $case: "hello", value: { facts, jobs: [], fence: 0n } });
  const { id } = await fleet.api.rollouts.create({ ...canaryFirst, gates: [{ kind: "ksm" }] });
  const given = () => stream.received.find(({ message }) => message?.$case === "command")?.message;
  await expect.poll(given, { timeout: 20_000 }).toBeDefined();
  const command = given();
  if (command?.$case !== "command") throw new Error("no command");
  const { jobId, fence, planHash } = command.value;
  const report = { jobId, fence, planHash, startedAtNs: 1n, finishedAtNs: 2n, outcome: Outcome.SUCCEEDED, error: undefined, result: undefined };
  const said: ConnectRequest["message"][] = [{ $case: "ack", value: { jobId, fence, result: AckResult.ACCEPTED, reason: "", seenFence: fence } }, { $case: "report", value: report }];
  for (const message of said) stream.send(message);
  const waiting = await fleet.until(id, ({ state, explanations }) => state === "soaking" && explanations.some((line) => line.startsWith("gate:")));
  expect(waiting.explanations).toContain("gate: 1 host has not reported on ksm since the wave's end");
  const health = { pressure: undefined, guestsDown: [], ksmBackOff: "backed off from normal to slower: ksmd takes 95 % of a core" };
  stream.send({ $case: "heartbeat", value: { jobs: [], health } });
  const held = await fleet.until(id, ({ state }) => state === "paused", 20_000);
  expect(held.reason).toBe(`gate: h1: KSM backed off: ${health.ksmBackOff}`);
});

test("a gate that makes no sense is refused with its mistake, and nothing begins", async () => {
  await using fleet = await startFleet(options);
  await addHost(fleet, "h1", () => {});
  await expect(fleet.api.rollouts.create({ ...canaryFirst, gates: [{ kind: "jobs", maxFailed: "some" }] })).rejects.toMatchObject({ code: "invalid", message: expect.stringContaining("some") });
  await expect(fleet.api.rollouts.create({ ...canaryFirst, gates: [{ kind: "psi", resource: "memory", maxPercent: 200 }] })).rejects.toMatchObject({ code: "invalid", message: expect.stringContaining("100") });
  expect(await fleet.api.rollouts.list()).toEqual([]);
});
