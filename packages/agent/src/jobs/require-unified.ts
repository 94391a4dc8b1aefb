import type { UnifyReport } from "@samepage/unify";
import { AgentError } from "../agent-error.ts";

/**
 * Lets a report pass unless every file that was planned has failed: single files that fail are the report's to name, but a
 * host on which nothing at all can be done must not look like one on which there was nothing to do.
 * @throws AgentError `nothing-unified`, with the first failure
 */
export function requireUnified(planned: UnifyReport, done: UnifyReport): UnifyReport {
  const [first] = done.failures;
  const failed = done.files.skipped.error ?? 0;
  if (planned.files.unified === 0 || done.files.unified > 0 || first === undefined || failed < planned.files.unified) return done;
  throw new AgentError("nothing-unified", `none of the ${planned.files.unified} files planned could be unified; the first, ${first.path} of ${first.guest}: ${first.message}`, {
    hint: first.code === "EPERM" ? "an agent inside a container needs its host's leave for fanotify and chattr +i; it belongs on the host itself" : "see the job's report for the other files",
    target: first.guest,
  });
}
