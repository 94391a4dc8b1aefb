import { agentPlaceOptions, enrolmentOf, enrolmentOptions } from "../agent/run-options.ts";
import { onlyGiven } from "../only-given.ts";
import { untilStopped } from "../until-stopped.ts";
import { defineVerb } from "../verb.ts";

export const agentRun = defineVerb({
  path: "agent run",
  summary: "run this host's agent until it is stopped",
  description: ["The first time it enrols with a token; after that the token is not needed. Logs go to standard error as JSON lines. Stopping it lets a running job end with a consistent tree."],
  arguments: {},
  options: { ...agentPlaceOptions, ...enrolmentOptions },
  examples: [{ command: "samepage agent run --controller controller.example.org:7443 --ca-fingerprint sha256:… --token-file /etc/samepage/token", meaning: "join, then work" }],
  run: async (input, context) => {
    const enrolment = await enrolmentOf(input);
    const { createAgent, readAgentConfig } = await import("@samepage/agent");
    const { pino } = await import("pino");
    const logger = pino(pino.destination({ dest: process.stderr.fd, sync: true }));
    const config = input.config === undefined ? undefined : await readAgentConfig(input.config);
    const agent = await createAgent({ ...onlyGiven({ config, enrolment, stateDir: input.stateDir }), logger, signal: context.signal });
    context.out.line(`agent of ${agent.host}, controller ${agent.address}; Ctrl-C stops`);
    try {
      await untilStopped(context.signal);
    } finally {
      await agent.close();
    }
    return { json: { stopped: true, host: agent.host, controller: agent.address }, human: () => ["stopped"] };
  },
});
