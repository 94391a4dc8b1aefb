import { existsSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, createApiClient, type RolloutSummary } from "@samepage/controller/api";
import { controllerMain, freePorts, type MainProcess, startMain } from "@samepage/test-faults";
import { startRedis, temporaryDirectory } from "@samepage/test-support";
import { busiestSecond } from "./busiest-second.ts";
import { controllerEnvironment } from "./controller-environment.ts";
import { dispatchTimes, type Percentiles } from "./dispatch-times.ts";
import { readJournal } from "./job-journal.ts";
import { processUsage } from "./process-usage.ts";
import { hostNames, type Simulation, startSimulator } from "./start-simulator.ts";

/** What a controller uses while nothing happens. */
export interface AtRest {
  readonly rssBytes: number;
  readonly corePercent: number;
}

/** What is measured over one fleet. Times in seconds unless named otherwise. */
export interface FleetMeasures {
  readonly agents: number;
  readonly acceptsPerSecond: number;
  /** The controller before its first agent. */
  readonly alone: AtRest;
  readonly enrol: {
    /** The first tenth, each as on a real host: three TLS connections, the last one its stream. */
    readonly perSecond: number;
    /** Processor time of the controller for one such agent, first stream included, ms. */
    readonly controllerMs: number;
    /** The others, of which each has its stream's connection only. */
    readonly inBulkPerSecond: number;
  };
  readonly rest: {
    /** With a tenth of the agents, with all, and with all after the controller was started anew. */
    readonly tenth: AtRest;
    readonly full: AtRest;
    readonly again: AtRest;
    /** Resident bytes for each agent of the first tenth, and for each further one. */
    readonly tenthBytes: number;
    readonly marginalBytes: number;
  };
  readonly rollout: {
    readonly seconds: number;
    readonly state: string;
    readonly hosts: RolloutSummary["hosts"];
    /** Jobs begun: those beyond the hosts that ended were cut off and begun again. */
    readonly begun: number;
    /** Hosts whose job ended once, and more than once. */
    readonly endedOnce: number;
    readonly endedTwice: number;
    /** Those that ended otherwise than once, as `host (times)`; the first of them. */
    readonly others: readonly string[];
    readonly corePercent: number;
    readonly rssBytes: number;
    /** From the controller's decision to the job's begin, ms. */
    readonly dispatchMs: Percentiles;
  };
  readonly reconnect: {
    readonly seconds: number;
    readonly streams: number;
    /** Connections let through to TLS in the busiest second. */
    readonly mostAcceptedPerSecond: number;
    /** Processor time of the controller for one agent that comes back, ms. */
    readonly controllerMs: number;
  };
}

export interface FleetLoad {
  /** A multiple of ten. */
  readonly agents: number;
  /** How long the fleet is left alone before it counts as at rest, ms: agents ask for catalogs in their first minute. */
  readonly settleMs: number;
  /** How long it is watched then, ms. */
  readonly restMs: number;
}

/** The controller's default, see ControllerOptions. */
const acceptsPerSecond = 150;

/** What one simulated agent keeps on its disk, generously: a dozen files of one block. */
const diskBytes = 100_000;

/** Free bytes of the file system in memory; 0 where there is none. */
function roomInMemory(): number {
  if (!existsSync("/dev/shm")) return 0;
  const { bavail, bsize } = statfsSync("/dev/shm");
  return bavail * bsize;
}

/** Milliseconds until a controller without agents is at rest. */
const aloneMs = 5000;

/** Milliseconds for a controller to start. */
const readyMs = 60_000;

/** An agent that was refused at the gate comes back within two minutes; three rounds of that mean that it never does. */
const reconnectLimitMs = 6 * 60_000;

/** Runs a fleet through enrolment, rest, a rollout in three waves and a killed controller. @param said is told what happens. */
export async function measureFleet({ agents, settleMs, restMs }: FleetLoad, said: (line: string) => void): Promise<FleetMeasures> {
  await using stack = new AsyncDisposableStack();
  const { path: dir } = stack.use(await temporaryDirectory("samepage-load-"));
  const redis = stack.use(await startRedis(dir));
  const [agentPort] = await freePorts();
  const socket = join(dir, "api.sock");
  const options = { stateDir: join(dir, "controller"), redis: redis.url, agentListen: `127.0.0.1:${agentPort}`, apiListen: `unix:${socket}` };
  const startController = async () => startMain(controllerMain, options, readyMs, ["env", ...controllerEnvironment()]);
  let controller = await startController();
  stack.defer(async () => controller.kill());
  const token = String(controller.ready["adminToken"]);
  const api = createApiClient({ url: `unix:${socket}`, token });
  const alone = await atRest(controller.pid, Math.min(settleMs, aloneMs), restMs);

  // Each host writes its jobs to a disk of its own; on one disk here, ten thousand of them would measure that disk.
  const { path: disks } = stack.use(await temporaryDirectory("samepage-load-", roomInMemory() > agents * diskBytes ? "/dev/shm" : undefined));
  const journal = join(disks, "journal");
  const simulation = { dir: join(disks, "agents"), milliseconds: [100, 1000], failing: 0.05, restarting: 0.02, journal } as const;
  const tenthOf = Math.max(1, Math.round(agents / 10));
  said(`enrolling ${tenthOf} agents`);
  const first = await timed(controller.pid, async () => startSimulator(api, { ...simulation, enrol: "each", hosts: hostNames(0, tenthOf) }));
  stack.use(first.value);
  const tenth = await atRest(controller.pid, settleMs, restMs);
  said(`enrolling ${agents - tenthOf} more`);
  const more = await timed(controller.pid, async () => startRest(api, simulation, tenthOf, agents));
  for (const simulator of more.value) stack.use(simulator);
  said(`at rest for ${restMs / 1000} s`);
  const full = await atRest(controller.pid, settleMs, restMs);

  said("a rollout over all of them");
  const { id } = await api.rollouts.create({ operation: { kind: "unify" }, canary: "1%", waves: ["30%"], concurrency: 500, failureBudget: String(agents) });
  const rollout = await timed(controller.pid, async () => untilOver(api, id));
  const { rssBytes } = processUsage(controller.pid);
  const journalled = readJournal(journal);

  said("the controller is killed");
  await controller.kill();
  controller = await startController();
  const before = processUsage(controller.pid).cpuMs;
  const back = await untilBack(api, socket, token, agents);
  const reconnectMs = (processUsage(controller.pid).cpuMs - before) / agents;
  said(`at rest for ${restMs / 1000} s again`);
  const again = await atRest(controller.pid, settleMs, restMs);

  return {
    agents,
    acceptsPerSecond,
    alone,
    enrol: { perSecond: tenthOf / first.seconds, controllerMs: first.cpuMs / tenthOf, inBulkPerSecond: (agents - tenthOf) / more.seconds },
    rest: { tenth, full, again, tenthBytes: (tenth.rssBytes - alone.rssBytes) / tenthOf, marginalBytes: (full.rssBytes - tenth.rssBytes) / (agents - tenthOf) },
    rollout: {
      seconds: rollout.seconds,
      state: rollout.value.state,
      hosts: rollout.value.hosts,
      begun: journalled.begun.length,
      endedOnce: [...journalled.ended.values()].filter((times) => times === 1).length,
      endedTwice: [...journalled.ended.values()].filter((times) => times > 1).length,
      others: hostNames(0, agents).map((host) => [host, journalled.ended.get(host) ?? 0] as const).filter(([, times]) => times !== 1).slice(0, named).map(([host, times]) => `${host} (${times})`),
      corePercent: (rollout.cpuMs / rollout.seconds) * 0.1,
      rssBytes,
      dispatchMs: await dispatchTimes(api, id, journalled.begun),
    },
    reconnect: { ...back, controllerMs: reconnectMs },
  };
}

/** Hosts whose job did not end once that are named. */
const named = 20;

/** One process holds so many agents before collecting its garbage holds them up. */
const agentsPerSimulator = 2500;

/** The hosts from `first` on, in processes of equal size. */
async function startRest(api: ApiClient, simulation: Omit<Simulation, "hosts" | "enrol">, first: number, agents: number): Promise<MainProcess[]> {
  const processes = Math.ceil((agents - first) / agentsPerSimulator);
  const begin = (index: number) => first + Math.round(((agents - first) * index) / processes);
  return Promise.all(Array.from({ length: processes }, async (_, index) => startSimulator(api, { ...simulation, hosts: hostNames(begin(index), begin(index + 1) - begin(index)) })));
}

async function timed<T>(pid: number, run: () => Promise<T>): Promise<{ readonly value: T; readonly seconds: number; readonly cpuMs: number }> {
  const { cpuMs } = processUsage(pid);
  const begun = performance.now();
  const value = await run();
  return { value, seconds: (performance.now() - begun) / 1000, cpuMs: processUsage(pid).cpuMs - cpuMs };
}

/** What a process uses over a time in which nothing is asked of it. */
async function atRest(pid: number, settleMs: number, restMs: number): Promise<AtRest> {
  await sleep(settleMs);
  const { cpuMs, seconds } = await timed(pid, async () => sleep(restMs));
  return { rssBytes: processUsage(pid).rssBytes, corePercent: (cpuMs / seconds) * 0.1 };
}

async function untilOver(api: ApiClient, id: string): Promise<RolloutSummary> {
  for (;;) {
    // The list's line, not the view with all its hosts: watching shall not cost what is measured.
    const rollout = (await api.rollouts.list()).find((listed) => listed.id === id);
    if (rollout === undefined) throw new Error(`the rollout ${id} is gone`);
    if (rollout.state === "completed" || rollout.state === "failed" || rollout.state === "aborted") return rollout;
    await sleep(1000);
  }
}

async function untilBack(api: ApiClient, socket: string, token: string, agents: number): Promise<Omit<FleetMeasures["reconnect"], "controllerMs">> {
  const begun = performance.now();
  let streams = 0;
  while (streams < agents && performance.now() - begun < reconnectLimitMs) {
    ({ streams } = await api.health());
    await sleep(1000);
  }
  return { seconds: (performance.now() - begun) / 1000, streams, mostAcceptedPerSecond: await busiestSecond(socket, token) };
}
