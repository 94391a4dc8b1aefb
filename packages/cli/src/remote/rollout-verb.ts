import type { ApiClient, RolloutView } from "@samepage/controller/api";
import { one } from "../option.ts";
import { defineVerb, type Verb } from "../verb.ts";
import { connect, connectionOptions } from "./connection.ts";
import { summaryLine } from "./rollout-lines.ts";

/** A verb that changes the state of one rollout: pause, resume, abort, retry differ only in the request and the words. */
export function rolloutVerb(name: string, summary: string, meaning: string, request: (api: ApiClient, id: string, signal: AbortSignal) => Promise<RolloutView>): Verb {
  return defineVerb({
    path: `rollout ${name}`,
    summary,
    arguments: { id: one("rollout", "the rollout's id") },
    options: connectionOptions,
    examples: [{ command: `samepage rollout ${name} 01J9Z8`, meaning }],
    run: async ({ id, ...connection }, context) => {
      const rollout = await request(await connect(connection, context), id, context.signal);
      return { json: rollout, human: (terminal) => [summaryLine(rollout, terminal), ...(rollout.id === id ? [] : [`samepage rollout watch ${rollout.id}`])] };
    },
  });
}
