import { rolloutVerb } from "../remote/rollout-verb.ts";

export const rolloutRollback = rolloutVerb(
  "rollback",
  "take a rollout that has ended back: a new rollout with the inverse operation on every host that it touched",
  "private copies again, or every KSM knob as it was; each host proves it",
  async (api, id, signal) => api.rollouts.rollback(id, signal),
);
