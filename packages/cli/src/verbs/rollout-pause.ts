import { rolloutVerb } from "../remote/rollout-verb.ts";

export const rolloutPause = rolloutVerb("pause", "let running hosts finish and start no more", "stop going on for now", async (api, id, signal) => api.rollouts.pause(id, signal));
