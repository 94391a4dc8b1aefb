import { FleetError } from "../fleet-error.ts";
import type { RolloutDraft } from "./rollout-draft.ts";
import { isOver } from "./rollout-state.ts";
import type { TickContext } from "./tick-context.ts";
import type { RolloutCommand } from "./tick-types.ts";

/**
 * Follows an operator's order. An order that already holds changes nothing.
 * @throws FleetError `wrong-state`, `unknown-host`; the state that was given is untouched.
 */
export function applyCommand({ draft, input }: TickContext, command: RolloutCommand): void {
  switch (command.type) {
    case "pause":
      pause(draft, command.reason);
      return;
    case "resume":
      resume(draft, input.now);
      return;
    case "abort":
      abort(draft, command.reason);
      return;
    case "retry":
      retry(draft, input.now, command.hosts);
      return;
  }
}

function pause(draft: RolloutDraft, reason: string): void {
  const { course } = draft;
  if (course.status === "paused") return;
  if (course.status === "aborting" || isOver(course.status)) throw wrongState(draft, "pause", "only a rollout that is under way can be paused");
  course.next = course.status === "soaking" ? "soaking" : "running";
  draft.enter("paused", reason);
}

function resume(draft: RolloutDraft, now: number): void {
  const { course } = draft;
  if (course.status === "running" || course.status === "soaking" || course.status === "created") return;
  if (course.status !== "paused") throw wrongState(draft, "resume", isOver(course.status) ? "use retry for the hosts that failed" : "it is being aborted");
  const next = course.next === "soaking" ? "soaking" : "running";
  course.next = null;
  // Windows that were missed while an operator held the rollout are nobody's fault.
  course.waveSince = now;
  course.startedAt ??= now;
  draft.enter(next, "");
}

function abort(draft: RolloutDraft, reason: string): void {
  const { course } = draft;
  if (course.status === "aborting" || course.status === "aborted") return;
  if (isOver(course.status)) throw wrongState(draft, "abort", "it is over; use rollback to take back what it did");
  course.next = "aborted";
  draft.enter("aborting", reason);
}

function retry(draft: RolloutDraft, now: number, names: readonly string[] | undefined): void {
  const { course, plan } = draft;
  if (course.status === "aborting" || course.status === "aborted") throw wrongState(draft, "retry", "create a new rollout for the hosts that are left");
  const indexes = names === undefined ? [...plan.hosts.keys()].filter((index) => draft.phase(index) === "failed") : names.map((name) => indexOf(draft, name));
  if (names === undefined && indexes.length === 0) throw wrongState(draft, "retry", "no host of it has failed");
  let moved = false;
  for (const index of indexes) {
    const phase = draft.phase(index);
    if (phase === "succeeded") throw wrongState(draft, `retry ${draft.hostName(index)} of`, "that host has succeeded");
    if (phase !== "failed" && phase !== "stopped" && phase !== "skipped") continue;
    draft.setNote(index, { cause: undefined, stops: undefined, interruptions: undefined, late: undefined });
    draft.setSince(index, null);
    draft.move(index, "pending", "retry");
    moved = true;
  }
  if (!moved) return;
  course.gatesWaived = false;
  course.lateUntil = null;
  if (course.status === "completed" || course.status === "failed" || course.status === "soaking") {
    course.waveSince = now;
    course.endedAt = null;
    course.soakUntil = null;
    draft.enter("running", "retry");
  }
}

function indexOf(draft: RolloutDraft, name: string): number {
  const index = draft.plan.hosts.findIndex((host) => host.name === name);
  if (index >= 0) return index;
  throw new FleetError("unknown-host", name, `host ${name} is not in rollout ${draft.plan.id}`, `see \`samepage rollout watch ${draft.plan.id}\` for its hosts`);
}

function wrongState(draft: RolloutDraft, order: string, hint: string): FleetError {
  return new FleetError("wrong-state", draft.plan.id, `cannot ${order} rollout ${draft.plan.id}: it is ${draft.course.status}`, hint);
}
