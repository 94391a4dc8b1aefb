import { rolloutVerb } from "../remote/rollout-verb.ts";

export const rolloutAbort = rolloutVerb("abort", "stop a rollout, running hosts too; each is left consistent", "stop it for good", async (api, id, signal) => api.rollouts.abort(id, signal));
