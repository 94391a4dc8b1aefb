import { connect, connectionOptions } from "../remote/connection.ts";
import { summaryLine } from "../remote/rollout-lines.ts";
import { rolloutArguments, rolloutOptions, rolloutRequest } from "../remote/rollout-request.ts";
import { printable } from "../terminal/text-width.ts";
import { defineVerb } from "../verb.ts";

export const rolloutCreate = defineVerb({
  path: "rollout create",
  summary: "start an operation over the selected hosts, wave by wave",
  arguments: rolloutArguments,
  options: { ...rolloutOptions, ...connectionOptions },
  examples: [
    { command: "samepage rollout create unify --selector ring=canary", meaning: "unify the guests of the canary ring: one host, then the others" },
    { command: "samepage rollout create unify --waves 10%,50% --failure-budget 2% --soak 15m", meaning: "over the whole fleet, slowly" },
  ],
  run: async (input, context) => {
    const api = await connect(input, context);
    const rollout = await api.rollouts.create(await rolloutRequest(input), context.signal);
    return {
      json: rollout,
      human: (terminal) => [...rollout.notices.map((notice) => terminal.style.warn(printable(notice))), summaryLine(rollout, terminal), `samepage rollout watch ${rollout.id}`],
    };
  },
});
