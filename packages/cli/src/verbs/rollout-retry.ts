import { rolloutVerb } from "../remote/rollout-verb.ts";

export const rolloutRetry = rolloutVerb("retry", "run the failed and missed hosts of a rollout again", "after the cause was removed", async (api, id, signal) => api.rollouts.retry(id, signal));
