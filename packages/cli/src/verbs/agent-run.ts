import { agentPlaceOptions } from "../agent/place-options.ts";
import { notifyReady } from "../notify-ready.ts";
import { onlyGiven } from "../only-given.ts";
import { untilStopped } from "../until-stopped.ts";
import { defineVerb } from "../verb.ts";

export const agentRun = defineVerb({
  path: "agent run",
  summary: "run this host's agent until it is stopped",
  description: ["What the service samepage-agent runs; the host must have joined a fleet (samepage agent join). Logs go to standard error as JSON lines. Stopping it lets a running job end with a consistent tree."],
  arguments: {},
  options: agentPlaceOptions,
  examples: [{ command: "samepage agent run", meaning: "work for the fleet that this host has joined" }],
  run: async (input, context) => {
    const { createAgent, readAgentConfig, servicePlaces } = await import("@samepage/agent");
    const { default: pino } = await import("pino");
    const logger = pino(pino.destination({ dest: process.stderr.fd, sync: true }));
    const config = input.config === undefined ? undefined : await readAgentConfig(input.config);
    // Set by systemd for the unit: the installed service, in its own places, is what upgrades replace.
    const isService = context.environment["NOTIFY_SOCKET"] !== undefined && input.stateDir === undefined;
    const agent = await createAgent({ ...onlyGiven({ config, stateDir: input.stateDir, upgrades: isService ? servicePlaces : undefined }), logger, signal: context.signal });
    context.out.line(`agent of ${agent.host}, controller ${agent.address}; Ctrl-C stops`);
    try {
      await notifyReady(context.environment);
      await untilStopped(context.signal);
    } finally {
      await agent.close();
    }
    return { json: { stopped: true, host: agent.host, controller: agent.address }, human: () => ["stopped"] };
  },
});
