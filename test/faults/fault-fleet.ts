import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControllerOptions } from "@samepage/controller";
import { type ApiClient, createApiClient, type RolloutView } from "@samepage/controller/api";
import { startRedis, temporaryDirectory, type TestRedis } from "@samepage/test-support";
import type { AgentsEngine, AgentsOptions } from "./agents-options.ts";
import { startBalancer } from "./balancer.ts";
import { freePorts } from "./free-ports.ts";
import { inTurns } from "./in-turns.ts";
import type { IsolatedNetwork } from "./isolated-network.ts";
import { controllerMain, type MainProcess, startMain } from "./main-process.ts";

/** Agents that looked for a controller in vain for a while wait up to two minutes before they look again; then something changes. */
const usualQuietMs = 180_000;

/** A fleet of processes that can be killed and started again one by one. */
export interface FaultFleet extends AsyncDisposable {
  readonly dir: string;
  readonly redis: TestRedis;
  /** Of the first controller. */
  readonly api: ApiClient;
  /** Of all controllers. */
  readonly apis: readonly ApiClient[];
  /** SIGKILL; the first one unless told otherwise. */
  killController(index?: number): Promise<void>;
  startController(index?: number): Promise<void>;
  /** SIGKILL to the process of all agents. */
  killAgents(): Promise<void>;
  startAgents(): Promise<void>;
  readonly agentsPid: number;
  /** Of a fleet that holds its jobs: so many hosts may do theirs, in the order in which they come; without a number all. */
  allow(hosts?: number): void;
  /** How often each host began a job. */
  begun(): ReadonlyMap<string, number>;
  /** What the agents' journal says of a host: `told to stop` or `applied`, and when. */
  moments(host: string, what: "told to stop" | "applied"): readonly number[];
  /** What is known of one host in a rollout: the audit's entries on it and its lines in the journal, oldest first. */
  history(rollout: string, host: string): Promise<readonly string[]>;
  /** Until the rollout satisfies the condition; controllers that are away are waited for. @param quietMs how long nothing may change before it is given up. */
  until(id: string, condition: (rollout: RolloutView) => boolean, quietMs?: number): Promise<RolloutView>;
}

export interface FaultFleetOptions {
  readonly hosts: number;
  /** How long a job of the simulated engine takes. Default 1000. */
  readonly milliseconds?: number;
  /** Jobs begin and go on only when `allow` lets them: a test that looks for them under way finds them, however busy the machine. Default false. */
  readonly holds?: boolean;
  /** Default: simulated. */
  readonly engine?: AgentsEngine;
  /** Default 0. */
  readonly clockAheadMs?: number;
  /** Default 1. More than one have a balancer before them. */
  readonly controllers?: number;
  /** What else the controllers are told. */
  readonly controller?: Pick<ControllerOptions, "certificateHours">;
  /** Default: none, everything on the loopback device. Not with more than one controller. */
  readonly network?: IsolatedNetwork;
  /** Where everything is kept. Default: a directory of its own, removed at the end. */
  readonly dir?: string;
  /** The controllers' Redis. Default: a single server of the fleet's own. */
  readonly redisUrl?: string;
}

/** Starts Redis, controllers and the agents of some hosts, each a process of its own. */
export async function startFaultFleet(options: FaultFleetOptions): Promise<FaultFleet> {
  const { hosts, milliseconds = 1000, engine = { kind: "simulated", milliseconds }, clockAheadMs = 0, network } = options;
  const stack = new AsyncDisposableStack();
  try {
    const dir = options.dir ?? stack.use(await temporaryDirectory("samepage-faults-")).path;
    const redis = stack.use(await startRedis(dir));
    const controllers = await placeControllers(options.controllers ?? 1, dir, network);
    const agentAddress = controllers.length === 1 ? controllers[0]?.agentListen : stack.use(await startBalancer(controllers.map(({ agentPort }) => agentPort))).address;
    const running: (MainProcess | undefined)[] = [];
    const startController = async (index = 0) => {
      const { agentListen, apiListen } = controllers[index] ?? {};
      const told = { ...options.controller, stateDir: join(dir, "controller"), redis: options.redisUrl ?? redis.url, agentListen, agentAddress, apiListen };
      running[index] = await startMain(controllerMain, told, undefined, network?.controller);
    };
    const killController = async (index = 0) => running[index]?.kill();
    const apis: ApiClient[] = [];
    for (const index of controllers.keys()) {
      stack.defer(async () => killController(index));
      await startController(index);
      const { api: url, adminToken, ca } = running[index]?.ready ?? {};
      apis.push(createApiClient({ url: String(url), token: String(adminToken), ca: String(ca) }));
    }
    const [api] = apis;
    if (api === undefined) throw new Error("a fleet without a controller");

    const names = Array.from({ length: hosts }, (_, index) => `h${index}`);
    const journal = join(dir, "journal");
    const allowed = options.holds === true ? join(dir, "allowed") : "";
    const allow = (count = Number.MAX_SAFE_INTEGER) => writeFileSync(allowed, `${count}`);
    if (allowed !== "") allow(0);
    const enrolments: Record<string, AgentsOptions["enrolments"][string]> = {};
    await inTurns(names, async (host) => {
      const { secret, caFingerprint, agentAddress: controller } = await api.tokens.create({ kind: "enrolment" });
      enrolments[host] = { controller, host, token: secret, fingerprint: caFingerprint };
    });
    let agents: MainProcess | undefined;
    const startAgents = async (first: AgentsOptions["enrolments"] = {}) => {
      const told: AgentsOptions = { dir, hosts: names, enrolments: first, engine, journal, clockAheadMs, allowed };
      agents = await startMain(join(import.meta.dirname, "agents-main.ts"), told, undefined, network?.agents);
    };
    const killAgents = async () => agents?.kill();
    stack.defer(killAgents);
    await startAgents(enrolments);
    return {
      dir,
      redis,
      api,
      apis,
      killController,
      startController,
      killAgents,
      startAgents: async () => startAgents(),
      get agentsPid() {
        return agents?.pid ?? 0;
      },
      allow,
      history: async (rollout, host) => {
        const lines: string[] = [];
        for await (const { at, action, target, detail } of api.audit()) if (action === "rollout.host" && target === rollout && detail["host"] === host) lines.push(`${at} ${JSON.stringify(detail)}`);
        return [...lines, ...readJournal(journal).filter((line) => line.split(" ")[0] === host)];
      },
      begun: () => countBegun(readJournal(journal)),
      moments: (host, what) => readJournal(journal).flatMap((line) => (line.startsWith(`${host} ${what} `) ? [Number(line.slice(`${host} ${what} `.length))] : [])),
      until: async (id, condition, quietMs = usualQuietMs) => until(apis, id, condition, quietMs),
      [Symbol.asyncDispose]: async () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Fixed places: a controller that comes back must be where its agents look for it. */
async function placeControllers(count: number, dir: string, network: IsolatedNetwork | undefined): Promise<{ agentPort: number; agentListen: string; apiListen: string }[]> {
  const ports = await freePorts(2 * count);
  return Array.from({ length: count }, (_, index) => {
    const agentPort = ports[2 * index] ?? 0;
    if (network === undefined) return { agentPort, agentListen: `127.0.0.1:${agentPort}`, apiListen: `127.0.0.1:${ports[2 * index + 1] ?? 0}` };
    // A socket in the file system is reached from every network namespace.
    return { agentPort, agentListen: `${network.controllerAddress}:${agentPort}`, apiListen: `unix:${join(dir, "api.sock")}` };
  });
}

async function until(apis: readonly ApiClient[], id: string, condition: (rollout: RolloutView) => boolean, quietMs: number): Promise<RolloutView> {
  let last: unknown;
  let said = "";
  for (let turn = 0, since = performance.now(); ; turn++) {
    try {
      const rollout = await apis[turn % apis.length]?.rollouts.get(id);
      if (rollout !== undefined && condition(rollout)) return rollout;
      last = { state: rollout?.state, hosts: rollout?.hosts, explanations: rollout?.explanations };
      const now = JSON.stringify([rollout?.state, rollout?.hosts, rollout?.reclaimedBytes]);
      if (now !== said) since = performance.now();
      said = now;
    } catch (error) {
      last = error;
    }
    if (performance.now() - since > quietMs) throw new Error(`rollout ${id} did not come there, and nothing changed for ${quietMs / 1000} s: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
    await sleep(100);
  }
}

function readJournal(path: string): readonly string[] {
  return readFileSync(path, { encoding: "utf8", flag: "a+" }).split("\n");
}

function countBegun(lines: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const line of lines) if (line !== "" && !line.includes(" ")) counts.set(line, (counts.get(line) ?? 0) + 1);
  return counts;
}
