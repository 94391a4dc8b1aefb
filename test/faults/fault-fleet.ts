import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type ApiClient, createApiClient, type RolloutView } from "@samepage/controller/api";
import { startRedis, temporaryDirectory, type TestRedis } from "@samepage/test-support";
import type { AgentsOptions } from "./agents-options.ts";
import { freePorts } from "./free-ports.ts";
import { controllerMain, type MainProcess, startMain } from "./main-process.ts";

/** A fleet of processes that can be killed and started again one by one. */
export interface FaultFleet extends AsyncDisposable {
  readonly redis: TestRedis;
  readonly api: ApiClient;
  killController(): Promise<void>;
  startController(): Promise<void>;
  /** SIGKILL to the process of all agents. */
  killAgents(): Promise<void>;
  startAgents(): Promise<void>;
  /** How often each host began a job. */
  begun(): ReadonlyMap<string, number>;
  /** Until the rollout satisfies the condition; a controller that is away is waited for. */
  until(id: string, condition: (rollout: RolloutView) => boolean, timeoutMs?: number): Promise<RolloutView>;
}

export interface FaultFleetOptions {
  readonly hosts: number;
  /** How long a job takes. */
  readonly milliseconds: number;
  /** Default 0. */
  readonly clockAheadMs?: number;
}

/** Starts Redis, a controller and the agents of some hosts, each of the three a process of its own. */
export async function startFaultFleet({ hosts, milliseconds, clockAheadMs = 0 }: FaultFleetOptions): Promise<FaultFleet> {
  const stack = new AsyncDisposableStack();
  try {
    const { path: dir } = stack.use(await temporaryDirectory("samepage-faults-"));
    const redis = stack.use(await startRedis(dir));
    // Fixed ports: a controller that comes back must be where its agents look for it.
    const [agentPort, apiPort] = await freePorts();
    const controllerOptions = { stateDir: join(dir, "controller"), redis: redis.url, agentListen: `127.0.0.1:${agentPort}`, apiListen: `127.0.0.1:${apiPort}` };
    let controller: MainProcess | undefined;
    const startController = async () => {
      controller = await startMain(controllerMain, controllerOptions);
    };
    const killController = async () => controller?.kill();
    stack.defer(killController);
    await startController();
    const { api: url, adminToken, ca } = controller?.ready ?? {};
    const api = createApiClient({ url: String(url), token: String(adminToken), ca: String(ca) });

    const names = Array.from({ length: hosts }, (_, index) => `h${index}`);
    const journal = join(dir, "journal");
    const enrolments = await Promise.all(
      names.map(async (host) => {
        const { secret, caFingerprint, agentAddress } = await api.tokens.create({ kind: "enrolment" });
        return [host, { controller: agentAddress, host, token: secret, fingerprint: caFingerprint }] as const;
      }),
    );
    let agents: MainProcess | undefined;
    const startAgents = async (first: AgentsOptions["enrolments"] = {}) => {
      agents = await startMain(join(import.meta.dirname, "agents-main.ts"), { dir, hosts: names, enrolments: first, milliseconds, journal, clockAheadMs } satisfies AgentsOptions);
    };
    const killAgents = async () => agents?.kill();
    stack.defer(killAgents);
    await startAgents(Object.fromEntries(enrolments));
    return {
      redis,
      api,
      killController,
      startController,
      killAgents,
      startAgents: async () => startAgents(),
      begun: () => countLines(journal),
      until: async (id, condition, timeoutMs = 100_000) => until(api, id, condition, timeoutMs),
      [Symbol.asyncDispose]: async () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function until(api: ApiClient, id: string, condition: (rollout: RolloutView) => boolean, timeoutMs: number): Promise<RolloutView> {
  const end = AbortSignal.timeout(timeoutMs);
  let last: unknown;
  for (;;) {
    try {
      const rollout = await api.rollouts.get(id);
      if (condition(rollout)) return rollout;
      last = { state: rollout.state, hosts: rollout.hosts, explanations: rollout.explanations };
    } catch (error) {
      last = error;
    }
    if (end.aborted) throw new Error(`rollout ${id} did not come there in ${timeoutMs / 1000} s: ${last instanceof Error ? last.message : JSON.stringify(last)}`);
    await sleep(100);
  }
}

function countLines(journal: string): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const host of readFileSync(journal, { encoding: "utf8", flag: "a+" }).split("\n")) if (host !== "") counts.set(host, (counts.get(host) ?? 0) + 1);
  return counts;
}
