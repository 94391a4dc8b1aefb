import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Agent, type AgentConfig, createAgent, defaultConfig, type Engine } from "@samepage/agent";
import { type Controller, type ControllerOptions, createController } from "@samepage/controller";
import { type ApiClient, createApiClient, type RolloutView } from "@samepage/controller/api";
import { startRedis, temporaryDirectory, type TestRedis } from "@samepage/test-support";
import { type Logger, pino } from "pino";

/** A controller over a real Redis, and what tests need to add agents to it. */
export interface TestFleet extends AsyncDisposable {
  readonly dir: string;
  readonly redis: TestRedis;
  readonly controller: Controller;
  readonly api: ApiClient;
  /** Enrols a host by a new token and starts its agent in this process. @param options `root`: default `HOST-root` in `dir` */
  addAgent(host: string, options?: { readonly root?: string; readonly engine?: Engine; readonly config?: AgentConfig; readonly labels?: Readonly<Record<string, string>>; readonly logger?: Logger }): Promise<Agent>;
  /** Starts the agent of an enrolled host again. */
  startAgent(host: string, options?: { readonly root?: string; readonly engine?: Engine; readonly config?: AgentConfig }): Promise<Agent>;
  /** Another controller over the same Redis and authority. */
  addController(options?: ControllerOptions): Promise<Controller>;
  /** Until the rollout is in a state that satisfies the condition. */
  until(id: string, condition: (rollout: RolloutView) => boolean, timeoutMs?: number): Promise<RolloutView>;
}

const logger = pino({ level: process.env["SAMEPAGE_TEST_LOG"] ?? "silent" });

/** A busy machine's tests must not wait until it is idle. */
const atOnce: AgentConfig["limits"] = { background: false, paced: false, pressureLimit: 100 };

/**
 * The guard has tests in a machine of its own (test/kernel): here it would put hooks into the developer's kernel. And of
 * many tests side by side none takes the port for Prometheus, unless it names one of its own; nor does one give way to another.
 */
export function unguarded(config: AgentConfig): AgentConfig {
  return { ...config, cowGuard: "off", limits: config.limits === defaultConfig.limits ? atOnce : config.limits, metrics: config.metrics.listen === defaultConfig.metrics.listen ? { listen: "none" } : config.metrics };
}

export async function startFleet(options: ControllerOptions = {}): Promise<TestFleet> {
  const stack = new AsyncDisposableStack();
  try {
    const { path: dir } = stack.use(await temporaryDirectory("samepage-e2e-"));
    const redis = stack.use(await startRedis(dir));
    const open = async (more: ControllerOptions = {}) => {
      const controller = await createController({ stateDir: join(dir, "controller"), redis: redis.url, agentListen: "127.0.0.1:0", apiListen: "127.0.0.1:0", logger, ...options, ...more });
      stack.defer(async () => controller.close());
      return controller;
    };
    const controller = await open();
    const api = createApiClient({ url: controller.address.api, token: controller.adminToken, ca: controller.ca });
    const startAgent: TestFleet["startAgent"] = async (host, { root = join(dir, `${host}-root`), engine, config = defaultConfig } = {}) => {
      const agent = await createAgent({ stateDir: join(dir, host), root, config: unguarded(config), logger, ...(engine === undefined ? {} : { engine }) });
      stack.defer(async () => agent.close());
      return agent;
    };
    return {
      dir,
      redis,
      controller,
      api,
      startAgent,
      addAgent: async (host, { root = join(dir, `${host}-root`), engine, config = defaultConfig, labels = {}, logger: own = logger } = {}) => {
        await mkdir(root, { recursive: true });
        const { secret, caFingerprint, agentAddress } = await api.tokens.create({ kind: "enrolment", labels });
        const enrolment = { controller: agentAddress, host, token: secret, fingerprint: caFingerprint };
        const agent = await createAgent({ stateDir: join(dir, host), root, config: unguarded(config), enrolment, logger: own, ...(engine === undefined ? {} : { engine }) });
        stack.defer(async () => agent.close());
        await agent.connected();
        return agent;
      },
      addController: open,
      until: async (id, condition, timeoutMs = 60_000) => untilRollout(api, id, condition, timeoutMs),
      [Symbol.asyncDispose]: async () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function untilRollout(api: ApiClient, id: string, condition: (rollout: RolloutView) => boolean, timeoutMs: number): Promise<RolloutView> {
  const end = AbortSignal.timeout(timeoutMs);
  for (;;) {
    const rollout = await api.rollouts.get(id);
    if (condition(rollout)) return rollout;
    if (end.aborted) throw new Error(`rollout ${id} did not come there in ${timeoutMs / 1000} s: ${JSON.stringify(rollout)}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export function isOver({ state }: RolloutView): boolean {
  return state === "completed" || state === "failed" || state === "aborted";
}
