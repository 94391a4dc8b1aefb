import { rolloutVerb } from "../remote/rollout-verb.ts";

export const rolloutResume = rolloutVerb("resume", "go on with a paused rollout", "go on", async (api, id, signal) => api.rollouts.resume(id, signal));
