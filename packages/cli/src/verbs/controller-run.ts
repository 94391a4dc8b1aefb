import { controllerOptions, controllerOptionsOf } from "../remote/controller-options.ts";
import { builtPage } from "../remote/built-page.ts";
import { notifyReady } from "../notify-ready.ts";
import { untilStopped } from "../until-stopped.ts";
import { defineVerb } from "../verb.ts";

export const controllerRun = defineVerb({
  path: "controller run",
  summary: "run a controller until it is stopped",
  description: ["Logs go to standard error as JSON lines. Any number of controllers may share one Redis; copy the state directory's ca/ to the others first, so that all sign with one CA."],
  arguments: {},
  options: controllerOptions,
  examples: [{ command: "samepage controller run --redis unix:/run/redis/redis.sock --name controller.example.org", meaning: "beside Debian's own Redis service" }],
  run: async (input, context) => {
    const { createController } = await import("@samepage/controller");
    const { default: pino } = await import("pino");
    const logger = pino(pino.destination({ dest: process.stderr.fd, sync: true }));
    const controller = await createController({ ...controllerOptionsOf(input), ...builtPage(), logger, signal: context.signal });
    context.out.line(`agents connect to ${controller.address.agents}, operators to ${controller.address.api}; Ctrl-C stops`);
    try {
      await notifyReady(context.environment);
      await untilStopped(context.signal);
    } finally {
      await controller.close();
    }
    return { json: { stopped: true, address: controller.address }, human: () => ["stopped"] };
  },
});
