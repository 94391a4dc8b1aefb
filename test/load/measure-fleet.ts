import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, createApiClient, type RolloutView } from "@samepage/controller/api";
import { controllerMain, freePorts, type MainProcess, startMain } from "@samepage/test-faults";
import { startRedis, temporaryDirectory } from "@samepage/test-support";
import type { LoadAgentsOptions } from "./load-agents-options.ts";
import { processUsage } from "./process-usage.ts";

/** What is measured over one fleet. Times in seconds unless named otherwise. */
export interface FleetMeasures {
  readonly agents: number;
  readonly enrol: { readonly seconds: number; readonly perSecond: number };
  readonly rest: { readonly rssBytes: number; readonly bytesPerAgent: number; readonly corePercent: number };
  readonly rollout: {
    readonly seconds: number;
    readonly state: string;
    readonly hosts: RolloutView["hosts"];
    /** Jobs begun, and hosts that ended: their difference are the jobs that a restart interrupted. */
    readonly begun: number;
    readonly corePercent: number;
    /** From the controller's decision to the job's begin, ms. */
    readonly dispatchMs: { readonly p50: number; readonly p90: number; readonly p99: number };
  };
  readonly reconnect: {
    readonly seconds: number;
    /** Streams opened per second, over the busiest two seconds. */
    readonly mostPerSecond: number;
    /** Of a controller that has only its agents: none of the enrolment's garbage. */
    readonly rssBytes: number;
    readonly bytesPerAgent: number;
  };
}

export interface FleetLoad {
  readonly agents: number;
  /** Simulator processes. */
  readonly simulators: number;
  /** How long the fleet is watched at rest, ms. */
  readonly restMs: number;
}

/** Runs a fleet through enrolment, rest, a rollout in three waves and a killed controller. @param said is told what happens. */
export async function measureFleet({ agents, simulators, restMs }: FleetLoad, said: (line: string) => void): Promise<FleetMeasures> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await temporaryDirectory("samepage-load-"));
  const redis = stack.use(await startRedis(dir));
  const [agentPort, apiPort] = await freePorts();
  const options = { stateDir: join(dir, "controller"), redis: redis.url, agentListen: `127.0.0.1:${agentPort}`, apiListen: `127.0.0.1:${apiPort}` };
  let controller = await startMain(controllerMain, options);
  stack.defer(async () => controller.kill());
  const api = createApiClient({ url: String(controller.ready["api"]), token: String(controller.ready["adminToken"]), ca: String(controller.ready["ca"]) });
  const alone = processUsage(controller.pid).rssBytes;
  const journal = join(dir, "journal");

  said(`enrolling ${agents} agents`);
  const begun = performance.now();
  const shares = await Promise.all(Array.from({ length: simulators }, async (_, index) => enrolments(api, agents, simulators, index)));
  const running = await Promise.all(shares.map(async (share, index) => startSimulator(dir, index, share, journal)));
  for (const simulator of running) stack.use(simulator);
  const enrolSeconds = (performance.now() - begun) / 1000;

  said(`at rest for ${restMs / 1000} s`);
  const rest = await usageDuring(controller.pid, async () => sleep(restMs));

  said("a rollout over all of them");
  const { id } = await api.rollouts.create({ operation: { kind: "unify" }, canary: "1%", waves: ["30%"], concurrency: 500, failureBudget: String(agents) });
  const rolloutBegun = performance.now();
  const { value: ended, corePercent } = await usageDuring(controller.pid, async () => untilOver(api, id));
  const rolloutSeconds = (performance.now() - rolloutBegun) / 1000;
  const jobs = readJournal(journal);

  said("the controller is killed");
  await controller.kill();
  controller = await startMain(controllerMain, options);
  const reconnect = await untilBack(api, agents);
  const { rssBytes } = processUsage(controller.pid);

  return {
    agents,
    enrol: { seconds: enrolSeconds, perSecond: agents / enrolSeconds },
    rest: { rssBytes: rest.rssBytes, bytesPerAgent: (rest.rssBytes - alone) / agents, corePercent: rest.corePercent },
    rollout: { seconds: rolloutSeconds, state: ended.state, hosts: ended.hosts, begun: jobs.length, corePercent, dispatchMs: await dispatchTimes(api, id, jobs) },
    reconnect: { ...reconnect, rssBytes, bytesPerAgent: (rssBytes - alone) / agents },
  };
}

/** Tokens for one simulator's agents. */
async function enrolments(api: ApiClient, agents: number, simulators: number, index: number): Promise<LoadAgentsOptions["enrolments"]> {
  const made = [];
  for (let number = index; number < agents; number += simulators) {
    const host = `load-${number}`;
    const { secret, caFingerprint, agentAddress } = await api.tokens.create({ kind: "enrolment", host });
    made.push({ controller: agentAddress, host, token: secret, fingerprint: caFingerprint });
  }
  return made;
}

async function startSimulator(dir: string, index: number, share: LoadAgentsOptions["enrolments"], journal: string): Promise<MainProcess> {
  const file = join(dir, `simulator-${index}.json`);
  const options: LoadAgentsOptions = { dir, enrolments: share, milliseconds: [100, 1000], failing: 0.05, restarting: 0.02, journal };
  writeFileSync(file, JSON.stringify(options), { mode: 0o600 });
  return startMain(join(import.meta.dirname, "load-agents-main.ts"), { file }, 60_000 + share.length * 100);
}

async function usageDuring<T>(pid: number, run: () => Promise<T>): Promise<{ readonly value: T; readonly rssBytes: number; readonly corePercent: number }> {
  const before = processUsage(pid);
  const begun = performance.now();
  const value = await run();
  const after = processUsage(pid);
  return { value, rssBytes: after.rssBytes, corePercent: ((after.cpuMs - before.cpuMs) / (performance.now() - begun)) * 100 };
}

async function untilOver(api: ApiClient, id: string): Promise<RolloutView> {
  for (;;) {
    const rollout = await api.rollouts.get(id);
    if (rollout.state === "completed" || rollout.state === "failed" || rollout.state === "aborted") return rollout;
    await sleep(500);
  }
}

async function untilBack(api: ApiClient, agents: number): Promise<Pick<FleetMeasures["reconnect"], "seconds" | "mostPerSecond">> {
  const begun = performance.now();
  let mostPerSecond = 0;
  let streams = 0;
  let at = begun;
  while (streams < agents) {
    await sleep(2000);
    const now = (await api.health()).streams;
    const seconds = (performance.now() - at) / 1000;
    mostPerSecond = Math.max(mostPerSecond, (now - streams) / seconds);
    streams = now;
    at += seconds * 1000;
  }
  return { seconds: (performance.now() - begun) / 1000, mostPerSecond };
}

interface BegunJob {
  readonly host: string;
  readonly at: number;
}

function readJournal(journal: string): BegunJob[] {
  const lines = readFileSync(journal, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => ({ host: line.split(" ")[0] ?? "", at: Number(line.split(" ")[1]) }));
}

/** From each host's first hand-out, as the audit tells it, to the first begin of its job. Both clocks are this machine's. */
async function dispatchTimes(api: ApiClient, id: string, jobs: readonly BegunJob[]): Promise<FleetMeasures["rollout"]["dispatchMs"]> {
  const begun = new Map(jobs.toReversed().map(({ host, at }) => [host, at]));
  const times: number[] = [];
  const seen = new Set<string>();
  for await (const { action, target, detail, at } of api.audit()) {
    const host = String(detail["host"]);
    const began = begun.get(host);
    if (target !== id || action !== "rollout.host" || detail["to"] !== "dispatching" || seen.has(host) || began === undefined) continue;
    seen.add(host);
    times.push(began - Date.parse(at));
  }
  times.sort((a, b) => a - b);
  const percentile = (percent: number) => times[Math.min(times.length - 1, Math.floor((times.length * percent) / 100))] ?? 0;
  return { p50: percentile(50), p90: percentile(90), p99: percentile(99) };
}
