import { NO_SAVING } from "../saving.ts";
import { hostIndexOf } from "./job-id.ts";
import { isOver, type Cause } from "./rollout-state.ts";
import { isInFlight, observe, type TickContext } from "./tick-context.ts";
import type { JobReport, JobResult } from "./tick-types.ts";

/**
 * How far above the highest known fence a report's fence may be. A store that came back some seconds older does not know the last
 * fences it gave out; an agent that invents one must not be able to use up the numbers.
 */
const FENCE_REACH = 1_000_000;

/** Takes in what agents say. Each fence's result counts once; anything about an older fence counts for nothing. */
export function applyReports(context: TickContext): void {
  for (const report of context.input.reports) {
    const index = hostIndexOf(context.draft.plan, report.jobId);
    if (index === undefined || !isCurrent(context, index, report)) continue;
    if (report.type === "result") applyResult(context, index, report);
    else applyWord(context, index, report.type);
  }
}

/** Whether the report is about the host's current fence and that fence's result has not come yet. */
function isCurrent(context: TickContext, index: number, report: JobReport): boolean {
  const { draft, input } = context;
  if (report.fence > draft.fence(index)) {
    const ended = draft.phase(index) !== "pending" && !isInFlight(draft, index);
    const plausible = report.fence <= Math.max(draft.course.lastFence, input.fenceFloor) + FENCE_REACH;
    const { heldBy } = observe(context, index);
    if (ended || !plausible || (heldBy !== null && heldBy !== draft.plan.id)) return false;
    draft.setFence(index, report.fence);
    draft.setNote(index, { open: true, givenAt: input.now, notAfter: input.now + draft.plan.policy.jobTimeoutMs });
    return true;
  }
  return report.fence === draft.fence(index) && draft.note(index).open === true;
}

function applyWord({ draft, input }: TickContext, index: number, word: "acknowledged" | "progress"): void {
  const phase = draft.phase(index);
  if (phase === "pending" || phase === "dispatching") draft.move(index, word === "progress" ? "running" : "acknowledged", "");
  else if (phase === "acknowledged" && word === "progress") draft.move(index, "running", "");
  else if (phase !== "acknowledged" && phase !== "running") return;
  // Progress comes every few seconds from every host; the state need not change for each.
  const since = draft.since(index);
  if (phase !== draft.phase(index) || since === null || input.now - since > draft.plan.policy.silenceMs / 4) draft.setSince(index, input.now);
}

function applyResult({ draft, input }: TickContext, index: number, result: JobResult): void {
  const { policy } = draft.plan;
  const { status } = draft.course;
  const note = draft.note(index);
  draft.setNote(index, { open: undefined, notAfter: undefined, givenAt: undefined, cancelAt: undefined });
  draft.setSince(index, null);
  draft.addSaved(index, result.saved ?? NO_SAVING);

  const fail = (cause: Cause) => {
    draft.setNote(index, { cause });
    draft.move(index, "failed", cause.message);
  };
  // Work that can go on does so, unless the rollout no longer wants it or has already left the host out.
  const again = (reason: string) => {
    if (status === "aborting" || isOver(status)) draft.move(index, "stopped", reason);
    else if (draft.phase(index) !== "skipped") draft.move(index, "pending", reason);
    if (draft.phase(index) !== "skipped") draft.setNote(index, { cause: undefined });
  };

  switch (result.outcome) {
    case "succeeded":
      if (policy.requireProof && result.proved !== true) {
        fail({ code: "unproved", message: "the agent did not prove the state it was to reach" });
        return;
      }
      draft.setNote(index, { cause: undefined, late: undefined });
      draft.move(index, "succeeded", "");
      return;
    case "failed":
      fail(result.cause ?? { code: "unknown", message: "the agent gave no cause" });
      return;
    case "stopped": {
      const stops = (note.stops ?? 0) + 1;
      draft.setNote(index, { stops });
      if (stops > policy.maxStops) fail({ code: "unfinished", message: `not done after ${policy.maxStops} stops` });
      else again("stopped with a checkpoint");
      return;
    }
    case "interrupted":
    case "stale": {
      if (result.outcome === "stale") draft.course.lastFence = Math.max(draft.course.lastFence, Math.min(result.seenFence ?? 0, Math.max(draft.course.lastFence, input.fenceFloor) + FENCE_REACH));
      const interruptions = (note.interruptions ?? 0) + 1;
      draft.setNote(index, { interruptions });
      if (interruptions > policy.maxInterruptions) fail({ code: "interrupted", message: `interrupted ${interruptions} times` });
      else again(result.outcome === "stale" ? "the agent had seen a newer command" : "the agent was interrupted");
      return;
    }
  }
}

/** Takes back a command that nobody acknowledged: once more, or failed after too many times. */
export function takeBack({ draft }: TickContext, index: number): void {
  const interruptions = (draft.note(index).interruptions ?? 0) + 1;
  draft.setNote(index, { interruptions });
  draft.setSince(index, null);
  if (interruptions > draft.plan.policy.maxInterruptions) {
    const cause = { code: "no-ack", message: `the agent acknowledged none of ${interruptions} commands` };
    draft.setNote(index, { cause });
    draft.move(index, "failed", cause.message);
  } else {
    draft.move(index, draft.course.status === "aborting" ? "stopped" : "pending", "not acknowledged");
  }
}
