import { connect, connectionOptions } from "../remote/connection.ts";
import { formatBytes } from "../terminal/format.ts";
import { table } from "../terminal/table.ts";
import { defineVerb } from "../verb.ts";

export const rolloutLs = defineVerb({
  path: "rollout ls",
  summary: "list the rollouts, newest first",
  arguments: {},
  options: connectionOptions,
  examples: [{ command: "samepage rollout ls", meaning: "what ran, what runs" }],
  run: async (input, context) => {
    const rollouts = await (await connect(input, context)).rollouts.list(context.signal);
    return {
      json: { rollouts },
      human: (terminal) =>
        rollouts.length === 0
          ? ["no rollouts yet"]
          : table(
              rollouts,
              [
                { title: "ROLLOUT", cell: ({ id }) => id },
                { title: "NAME", cell: ({ name }) => name, shrinks: true },
                { title: "STATE", cell: ({ state }) => state },
                { title: "WAVE", cell: ({ wave, waveCount }) => `${Math.min(wave + 1, waveCount)}/${waveCount}`, align: "right" },
                { title: "FREED", cell: ({ reclaimedBytes }) => formatBytes(reclaimedBytes), align: "right" },
                { title: "CREATED", cell: ({ createdAt }) => createdAt },
                { title: "WHY", cell: ({ reason }) => reason, shrinks: true },
              ],
              terminal,
            ),
    };
  },
});
