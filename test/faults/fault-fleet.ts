import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ControllerOptions } from "@samepage/controller";
import { type ApiClient, createApiClient, type RolloutView } from "@samepage/controller/api";
import { startRedis, temporaryDirectory, type TestRedis } from "@samepage/test-support";
import type { AgentsEngine, AgentsOptions } from "./agents-options.ts";
import { startBalancer } from "./balancer.ts";
import { freePorts } from "./free-ports.ts";
import type { IsolatedNetwork } from "./isolated-network.ts";
import { controllerMain, type MainProcess, startMain } from "./main-process.ts";

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
  /** How often each host began a job. */
  begun(): ReadonlyMap<string, number>;
  /** What the agents' journal says of a host: `told to stop` or `applied`, and when. */
  moments(host: string, what: "told to stop" | "applied"): readonly number[];
  /** Until the rollout satisfies the condition; controllers that are away are waited for. */
  until(id: string, condition: (rollout: RolloutView) => boolean, timeoutMs?: number): Promise<RolloutView>;
}

export interface FaultFleetOptions {
  readonly hosts: number;
  /** How long a job of the simulated engine takes. Default 1000. */
  readonly milliseconds?: number;
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
    const enrolments = await Promise.all(
      names.map(async (host) => {
        const { secret, caFingerprint, agentAddress: controller } = await api.tokens.create({ kind: "enrolment" });
        return [host, { controller, host, token: secret, fingerprint: caFingerprint }] as const;
      }),
    );
    let agents: MainProcess | undefined;
    const startAgents = async (first: AgentsOptions["enrolments"] = {}) => {
      const told: AgentsOptions = { dir, hosts: names, enrolments: first, engine, journal, clockAheadMs };
      agents = await startMain(join(import.meta.dirname, "agents-main.ts"), told, undefined, network?.agents);
    };
    const killAgents = async () => agents?.kill();
    stack.defer(killAgents);
    await startAgents(Object.fromEntries(enrolments));
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
      begun: () => countBegun(readJournal(journal)),
      moments: (host, what) => readJournal(journal).flatMap((line) => (line.startsWith(`${host} ${what} `) ? [Number(line.slice(`${host} ${what} `.length))] : [])),
      until: async (id, condition, timeoutMs = 100_000) => until(apis, id, condition, timeoutMs),
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

async function until(apis: readonly ApiClient[], id: string, condition: (rollout: RolloutView) => boolean, timeoutMs: number): Promise<RolloutView> {
  const end = AbortSignal.timeout(timeoutMs);
  let last: unknown;
  for (let turn = 0; ; turn++) {
    try {
      const rollout = await apis[turn % apis.length]?.rollouts.get(id);
      if (rollout !== undefined && condition(rollout)) return rollout;
      last = { state: rollout?.state, hosts: rollout?.hosts, explanations: rollout?.explanations };
    } catch (error) {
      last = error;
    }
    if (end.aborted) throw new Error(`rollout ${id} did not come there in ${timeoutMs / 1000} s: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
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
