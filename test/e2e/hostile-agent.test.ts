import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { connect } from "node:http2";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { createAgent, defaultConfig } from "@samepage/agent";
import { createController } from "@samepage/controller";
import { createApiClient } from "@samepage/controller/api";
import { AckResult, ConnectRequest, Outcome } from "@samepage/proto";
import { pino } from "pino";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openRawStream, readStoredIdentity } from "./raw-agent.ts";
import { simulatedEngine } from "./simulated-engine.ts";
import { isOver, startFleet, type TestFleet } from "./test-fleet.ts";

const logger = pino({ level: "silent" });
const config = { ...defaultConfig, guests: { ...defaultConfig.guests, directories: ["/guests/*"] } };
const facts = { agentVersion: "0", kernel: "", architecture: "", operatingSystem: "", cpus: 1, memoryBytes: 0n, timeZone: "UTC", capabilities: [] };
const hello: ConnectRequest["message"] = { $case: "hello", value: { facts, jobs: [], fence: 0n } };

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await startFleet({ acceptsPerSecond: 10_000 });
  await mkdir(join(fleet.dir, "honest-root/guests/a"), { recursive: true });
  await fleet.addAgent("honest", { config, engine: simulatedEngine() });
});
afterAll(async () => fleet[Symbol.asyncDispose]());

/** Others are unaffected: the honest host is still there and still works. */
async function honestHostWorks(): Promise<boolean> {
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, selector: "name=honest" });
  const { state, hosts } = await fleet.until(id, isOver, 20_000);
  return state === "completed" && hosts.succeeded === 1;
}

async function member(host: string) {
  const agent = await fleet.addAgent(host, { engine: simulatedEngine() });
  await agent.close();
  return readStoredIdentity(join(fleet.dir, host));
}

async function enrolAs(host: string, token: { readonly secret: string; readonly caFingerprint: string }) {
  const agent = await createAgent({
    stateDir: join(fleet.dir, `${host}-${randomBytes(4).toString("hex")}`),
    config: defaultConfig,
    logger,
    enrolment: { controller: fleet.controller.address.agents, host, token: token.secret, fingerprint: token.caFingerprint },
  });
  await agent.close();
}

test("a token works once", async () => {
  const token = await fleet.api.tokens.create({ kind: "enrolment" });
  await enrolAs("first", token);
  await expect(enrolAs("second", token)).rejects.toMatchObject({ code: "enrolment-refused", message: expect.stringContaining("used already") });
  expect((await fleet.api.tokens.list()).find(({ id }) => id === token.token.id)?.usedBy).toBe("first");
});

test("of many that come with one token at the same moment, one is enrolled", async () => {
  const token = await fleet.api.tokens.create({ kind: "enrolment" });
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, async (_, index) => enrolAs(`racer-${index}`, token)));
  expect(outcomes.filter(({ status: outcome }) => outcome === "fulfilled")).toHaveLength(1);
});

test("a wrong token and one for another host are refused in one line", async () => {
  const token = await fleet.api.tokens.create({ kind: "enrolment", host: "named" });
  await expect(enrolAs("someone", token)).rejects.toMatchObject({ message: expect.stringMatching(/^[^\n]*for another host name$/u) });
  await expect(enrolAs("someone", { ...token, secret: "spe_guessed" })).rejects.toMatchObject({ message: expect.stringMatching(/^[^\n]*token is not known$/u), hint: expect.stringContaining("token create") });
  await enrolAs("named", token);
});

test("a member's name cannot be taken by enrolling again, and the token is not lost by trying", async () => {
  const token = await fleet.api.tokens.create({ kind: "enrolment" });
  await expect(enrolAs("honest", token)).rejects.toMatchObject({ message: expect.stringContaining("is a member already") });
  await enrolAs("another-name", token);
  expect(await honestHostWorks()).toBe(true);
});

test("the token is not sent to a controller whose authority has another fingerprint", async () => {
  const token = await fleet.api.tokens.create({ kind: "enrolment" });
  const wrong = { secret: token.secret, caFingerprint: `sha256:${"0".repeat(64)}` };
  await expect(enrolAs("careful", wrong)).rejects.toMatchObject({ code: "wrong-authority", message: expect.stringContaining("token was not sent") });
  await enrolAs("careful", token);
});

test("a stream without a certificate is refused", async () => {
  using stream = openRawStream({ controller: fleet.controller.address.agents, authorities: fleet.controller.ca });
  stream.send(hello);
  expect(await stream.ended).toMatchObject({ code: status.UNAUTHENTICATED, details: expect.stringContaining("no valid client certificate") });
});

test("a certificate of another fleet's authority is refused", async () => {
  const other = await createController({ stateDir: join(fleet.dir, "other-fleet"), redis: fleet.redis.url, agentListen: "127.0.0.1:0", apiListen: "127.0.0.1:0", logger });
  try {
    const identity = await member("stranger");
    using stream = openRawStream({ ...identity, controller: other.address.agents, authorities: other.ca });
    stream.send(hello);
    expect(await stream.ended).toMatchObject({ code: status.UNAUTHENTICATED });
  } finally {
    await other.close();
  }
});

test("revoking a host closes its stream at once and refuses its certificate from then on", async () => {
  const agent = await fleet.addAgent("revoked", { engine: simulatedEngine() });
  const identity = await readStoredIdentity(join(fleet.dir, "revoked"));
  await agent.close();
  using live = openRawStream(identity);
  live.send(hello);
  await expect.poll(async () => (await fleet.api.hosts.get("revoked")).state).toBe("online");
  await fleet.api.hosts.revoke("revoked");
  expect(await live.ended).toMatchObject({ details: expect.stringContaining("revoked") });
  using again = openRawStream(identity);
  again.send(hello);
  expect(await again.ended).toMatchObject({ code: status.PERMISSION_DENIED, details: expect.stringContaining("revoked") });
  // Its name is free for a machine that is enrolled anew.
  await enrolAs("revoked", await fleet.api.tokens.create({ kind: "enrolment" }));
});

test("nothing that an agent says about another host's job counts", async () => {
  const identity = await member("liar");
  await mkdir(join(fleet.dir, "victim-root/guests/a"), { recursive: true });
  await fleet.addAgent("victim", { config, engine: simulatedEngine({ milliseconds: 1500 }) });
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" }, selector: "name=victim" });
  await fleet.until(id, ({ hosts }) => hosts.running === 1);
  using stream = openRawStream(identity);
  stream.send(hello);
  const job = { jobId: `${id}.0`, fence: 1n };
  stream.send({ $case: "ack", value: { ...job, result: AckResult.STALE_FENCE, reason: "", seenFence: 9_000_000_000n } });
  const lie = { ...job, planHash: Buffer.alloc(0), startedAtNs: 1n, finishedAtNs: 2n, error: undefined, result: undefined };
  stream.send({ $case: "report", value: { ...lie, outcome: Outcome.FAILED } });
  const ended = await fleet.until(id, isOver);
  expect(ended).toMatchObject({ state: "completed", hosts: { succeeded: 1, failed: 0 }, reclaimedBytes: 4096 });
});

test("bytes that are no message end that stream only", async () => {
  const identity = await member("fuzzer");
  for (let round = 0; round < 60; round++) {
    using stream = openRawStream(identity);
    if (round % 2 === 0) stream.send(hello);
    // Tags of known fields before random bytes, so that decoding goes deeper than the first byte.
    const tag = Buffer.from([[0x08, 0x12, 0x1a, 0x22, 0x2a, 0x32, 0x3a, 0x42][round % 8] ?? 0]);
    for (let count = 0; count < 5; count++) stream.sendBytes(Buffer.concat([tag, randomBytes(1 + Math.floor(Math.random() * 300))]));
    await Promise.race([stream.ended, new Promise((resolve) => setTimeout(resolve, 30))]);
  }
  expect(await honestHostWorks()).toBe(true);
});

test("an oversized message is refused with its limit", async () => {
  const identity = await member("oversized");
  using stream = openRawStream(identity);
  stream.send(hello);
  stream.sendBytes(Buffer.alloc(3 * 1024 * 1024));
  expect(await stream.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  expect(await honestHostWorks()).toBe(true);
});

test("a flood of messages is cut off, others unaffected", async () => {
  const identity = await member("flooder");
  using stream = openRawStream(identity);
  stream.send(hello);
  for (let count = 0; count < 5000; count++) stream.send({ $case: "heartbeat", value: { jobs: [], health: undefined } });
  expect(await stream.ended).toMatchObject({ code: status.RESOURCE_EXHAUSTED, details: expect.stringContaining("too many messages") });
  expect(await honestHostWorks()).toBe(true);
});

test("an agent that reads nothing of what it is sent is let go, even where it answers pings, and others are unaffected", async () => {
  const { controller, authorities, certificate, key } = await member("deaf");
  // Not by gRPC, which would read: it never opens its window for a message.
  const session = connect(`https://${controller}`, { ca: authorities, cert: certificate, key, servername: "controller.samepage.internal", settings: { initialWindowSize: 0 } });
  const closed = once(session, "close");
  const stream = session.request({ ":method": "POST", ":path": "/samepage.v1.AgentService/Connect", "content-type": "application/grpc", te: "trailers" });
  stream.on("error", () => {});
  const say = (message: ConnectRequest["message"]) => {
    const bytes = ConnectRequest.encode({ sentAtNs: 0n, message }).finish();
    const head = Buffer.alloc(5);
    head.writeUInt32BE(bytes.length, 1);
    stream.write(Buffer.concat([head, bytes]));
  };
  say(hello);
  await expect.poll(async () => (await fleet.api.hosts.get("deaf")).state).toBe("online");
  // Each is acknowledged: more than may wait for one agent.
  const report = { jobId: "none.0", fence: 1n, planHash: Buffer.alloc(0), startedAtNs: 1n, finishedAtNs: 2n, outcome: Outcome.FAILED, error: undefined, result: undefined };
  for (let count = 0; count < 300; count++) say({ $case: "report", value: report });
  await expect.poll(async () => (await fleet.api.hosts.get("deaf")).state).toBe("offline");
  await closed;
  expect(await honestHostWorks()).toBe(true);
});

test("an agent must introduce itself, and once", async () => {
  const identity = await member("impolite");
  using first = openRawStream(identity);
  first.send({ $case: "heartbeat", value: { jobs: [], health: undefined } });
  expect(await first.ended).toMatchObject({ code: status.FAILED_PRECONDITION });
  using second = openRawStream(identity);
  second.send(hello);
  second.send(hello);
  expect(await second.ended).toMatchObject({ code: status.FAILED_PRECONDITION });
});

test("operators need a token, and its role decides", async () => {
  const { secret } = await fleet.api.tokens.create({ kind: "operator", name: "vera", role: "viewer" });
  const connect = (token?: string) => createApiClient({ url: fleet.controller.address.api, ca: fleet.controller.ca, ...(token === undefined ? {} : { token }) });
  await expect(connect().hosts.list()).rejects.toMatchObject({ code: "unauthenticated" });
  await expect(connect("spo_wrong").hosts.list()).rejects.toMatchObject({ code: "unauthenticated" });
  expect((await connect(secret).hosts.list()).length).toBeGreaterThan(0);
  await expect(connect(secret).rollouts.create({ operation: { kind: "unify" } })).rejects.toMatchObject({ code: "forbidden", message: expect.stringContaining("vera is viewer") });
  await expect(connect(secret).tokens.list()).rejects.toMatchObject({ code: "forbidden" });
});
