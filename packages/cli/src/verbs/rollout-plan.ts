import { connect, connectionOptions } from "../remote/connection.ts";
import { rolloutArguments, rolloutOptions, rolloutRequest } from "../remote/rollout-request.ts";
import { formatBytes } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { printable } from "../terminal/text-width.ts";
import { defineVerb } from "../verb.ts";

export const rolloutPlan = defineVerb({
  path: "rollout plan",
  summary: "show the waves that rollout create with the same options would run; start nothing",
  description: ["The predicted saving of a host is that of its newest dry run (rollout create plan); where there was none it is empty."],
  arguments: rolloutArguments,
  options: { ...rolloutOptions, ...connectionOptions },
  examples: [{ command: "samepage rollout plan unify --waves 10%", meaning: "which host is in which wave" }],
  run: async (input, context) => {
    const api = await connect(input, context);
    const plan = await api.rollouts.plan(await rolloutRequest(input), context.signal);
    const rows = plan.waves.flatMap(({ hosts }, wave) => hosts.map((host) => ({ wave, ...host })));
    return {
      json: plan,
      human: (terminal) => [
        ...plan.notices.map((notice) => terminal.style.warn(printable(notice))),
        ...table(
          rows,
          [
            { title: "WAVE", cell: ({ wave }) => `${wave + 1}`, align: "right" },
            { title: "HOST", cell: ({ host }) => host, shrinks: true },
            { title: "PREDICTED", cell: ({ predictedBytes }) => (predictedBytes === null ? "" : formatBytes(predictedBytes)), align: "right" },
          ],
          terminal,
        ),
      ],
    };
  },
});
