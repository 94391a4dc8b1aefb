import { hostname } from "node:os";
import { join } from "node:path";
import { startEmbeddedRedis } from "../embedded/embedded-redis.ts";
import { onlyGiven } from "../only-given.ts";
import { text } from "../option.ts";
import { builtPage } from "../remote/built-page.ts";
import { untilStopped } from "../until-stopped.ts";
import { defineVerb } from "../verb.ts";

export const up = defineVerb({
  path: "up",
  summary: "run everything on this machine: Redis, a controller and this host's agent",
  description: [
    "Runs in the foreground; Ctrl-C stops all three in order. The Redis is its own, on a private unix socket, and keeps everything on disk. The first time this host is enrolled by itself.",
    "Other hosts can join with samepage token create when --agent-listen is an address that they reach. Logs are in the state directory.",
  ],
  arguments: {},
  options: {
    stateDir: text("dir", "where everything is kept", { defaultText: "/var/lib/samepage", completes: "directory" }),
    config: text("file", "agent.yaml", { defaultText: "/etc/samepage/agent.yaml, or its defaults where there is none", completes: "file" }),
    name: text("name", "this host's name", { defaultText: "agent.yaml's, else the host name" }),
    agentListen: text("host:port", "where agents connect", { defaultText: "127.0.0.1:7443" }),
    apiListen: text("address", "where operators connect: host:port or unix:/path", { defaultText: "127.0.0.1:7480" }),
  },
  examples: [{ command: "samepage up", meaning: "then, in another terminal: samepage rollout create unify" }],
  run: async (input, context) => {
    const stateDir = input.stateDir ?? "/var/lib/samepage";
    const controllerDir = join(stateDir, "controller");
    await using stack = new AsyncDisposableStack();
    const redis = await startEmbeddedRedis(join(stateDir, "redis"), context.signal);
    stack.defer(async () => redis.close());
    const { default: pino } = await import("pino");
    const logger = pino(pino.destination({ dest: join(stateDir, "samepage.log"), sync: true }));
    const { createController } = await import("@samepage/controller");
    const { createApiClient } = await import("@samepage/controller/api");
    const controller = await createController({
      stateDir: controllerDir,
      redis: redis.address,
      agentListen: input.agentListen ?? "127.0.0.1:7443",
      logger,
      ...builtPage(),
      ...onlyGiven({ apiListen: input.apiListen }),
    });
    stack.defer(async () => controller.close());

    const { createAgent, readAgentConfig, readIdentity } = await import("@samepage/agent");
    const config = await readAgentConfig(input.config ?? "/etc/samepage/agent.yaml");
    const agentDir = join(stateDir, "agent");
    const isMember = (await readIdentity(agentDir)) !== undefined;
    const url = controller.address.api;
    const enrol = async () => {
      const host = input.name ?? config.host ?? hostname();
      const { secret, caFingerprint } = await createApiClient({ url, token: controller.adminToken, ca: controller.ca }).tokens.create({ kind: "enrolment", host, ttlSeconds: 60 }, context.signal);
      return { controller: controller.address.agents, host, token: secret, fingerprint: caFingerprint };
    };
    const agent = await createAgent({ config: { ...config, controller: controller.address.agents }, stateDir: agentDir, logger, ...(isMember ? {} : { enrolment: await enrol() }) });
    stack.defer(async () => agent.close());
    await Promise.race([agent.connected(), untilStopped(context.signal, redis.ended)]);

    const environment = { SAMEPAGE_CONTROLLER: url, SAMEPAGE_TOKEN_FILE: join(controllerDir, "admin-token"), SAMEPAGE_CA: join(controllerDir, "ca.pem") };
    context.out.line(`up: host ${agent.host}, operators at ${url}, agents at ${controller.address.agents}; Ctrl-C stops`);
    if (input.stateDir !== undefined || input.apiListen !== undefined) {
      for (const [key, value] of Object.entries(environment)) context.out.line(`  export ${key}=${value}`);
    }
    await untilStopped(context.signal, redis.ended);
    return { json: { stopped: true, host: agent.host, ...environment }, human: () => ["stopped"] };
  },
});
