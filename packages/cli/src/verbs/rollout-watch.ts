import { exitCode } from "../exit-code.ts";
import { optional } from "../option.ts";
import { connect, connectionOptions } from "../remote/connection.ts";
import { rolloutLines } from "../remote/rollout-lines.ts";
import { rolloutOrNewest } from "../remote/rollout-or-newest.ts";
import { watchRollout } from "../remote/watch-rollout.ts";
import { defineVerb } from "../verb.ts";

export const rolloutWatch = defineVerb({
  path: "rollout watch",
  summary: "follow a rollout until it ends",
  description: ["A live view on a terminal, one line for each change otherwise. Ctrl-C stops watching; the rollout goes on. Exit status 0 when it succeeded, 1 when it failed or was aborted."],
  arguments: { id: optional("rollout", "the rollout's id; default: the newest") },
  options: connectionOptions,
  examples: [{ command: "samepage rollout watch 01J9Z8", meaning: "wait for a rollout in a script" }],
  run: async ({ id, ...connection }, context) => {
    const api = await connect(connection, context);
    const rollout = await watchRollout(api, await rolloutOrNewest(api, id, context.signal), context.out, context.signal);
    return { json: rollout, human: (terminal) => rolloutLines(rollout, terminal), exitCode: rollout.state === "completed" ? exitCode.done : exitCode.failed };
  },
});
