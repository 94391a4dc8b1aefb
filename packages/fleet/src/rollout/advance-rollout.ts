import { evaluateGates } from "../gates/evaluate-gates.ts";
import { isInCanary } from "./canary.ts";
import { leaveOut } from "./consider-hosts.ts";
import { judgedHosts } from "./judged-hosts.ts";
import { judgeBudget } from "./judge-budget.ts";
import { isInFlight, type TickContext } from "./tick-context.ts";
import { isWaveDone } from "./wave-end.ts";

/** How long after the soak the gates' readings may take before the rollout is paused for the lack of them, ms. */
const GATE_PATIENCE_MS = 5 * 60_000;

/** How often gates are looked at while a wave soaks, ms: readings come with heartbeats, which wake nobody. */
const GATE_LOOK_MS = 5000;

/** Takes the rollout one step further in its course, if it is time. True where it did, so that the hosts are to be looked at again. */
export function advanceRollout(context: TickContext): boolean {
  switch (context.draft.course.status) {
    case "created":
      return begin(context);
    case "running":
      return overBudget(context) || endWave(context);
    case "soaking":
      return overBudget(context) || soak(context);
    case "paused":
      return overBudget(context);
    case "aborting":
      return endAbort(context);
    case "aborted":
    case "completed":
    case "failed":
      return false;
  }
}

function begin({ draft, input }: TickContext): boolean {
  draft.course.startedAt = input.now;
  draft.course.waveSince = input.now;
  draft.enter("running", "");
  return true;
}

function overBudget(context: TickContext): boolean {
  const { draft } = context;
  const { course } = draft;
  const canaryEnded = isInCanary(draft) && isWaveDone(context);
  const reason = judgeBudget(draft, canaryEnded);
  if (reason === null) return false;
  course.next = "failed";
  draft.enter("aborting", `failure budget: ${reason}`);
  return true;
}

function endWave(context: TickContext): boolean {
  const { draft, input } = context;
  const { course, plan } = draft;
  if (!isWaveDone(context)) return false;
  if (course.gatesWaived || course.lateUntil !== null || (plan.policy.soakMs === 0 && plan.policy.gates.length === 0)) return nextWave(context);
  course.soakUntil = input.now + plan.policy.soakMs;
  draft.enter("soaking", "");
  return true;
}

function soak(context: TickContext): boolean {
  const { draft, input, alarms } = context;
  const { course, plan } = draft;
  if (!isWaveDone(context)) {
    course.soakUntil = null;
    draft.enter("running", "a host of the wave has work left");
    return true;
  }
  const soakUntil = course.soakUntil ?? input.now;
  const verdict = evaluateGates(plan.policy.gates, waveOutcomes(draft), input.samples, soakUntil - plan.policy.soakMs);
  const soaked = input.now >= soakUntil;
  context.gates = verdict.reasons;
  if (verdict.verdict === "fail" || (verdict.verdict === "wait" && input.now >= soakUntil + GATE_PATIENCE_MS)) {
    course.next = "running";
    course.gatesWaived = true;
    course.soakUntil = null;
    draft.enter("paused", `gate: ${verdict.reasons.join("; ")}`);
    return false;
  }
  if (soaked && verdict.verdict === "pass") {
    course.soakUntil = null;
    return nextWave(context);
  }
  alarms.push(soaked ? soakUntil + GATE_PATIENCE_MS : soakUntil);
  if (plan.policy.gates.length > 0) alarms.push(input.now + GATE_LOOK_MS);
  return false;
}

function waveOutcomes(draft: TickContext["draft"]): { host: string; outcome: "succeeded" | "failed" }[] {
  const outcomes: { host: string; outcome: "succeeded" | "failed" }[] = [];
  for (const index of judgedHosts(draft.plan, draft.course.wave, (host) => draft.fence(host))) {
    const phase = draft.phase(index);
    if (phase === "succeeded" || phase === "failed") outcomes.push({ host: draft.hostName(index), outcome: phase });
  }
  return outcomes;
}

function nextWave(context: TickContext): boolean {
  const { draft, input, alarms } = context;
  const { course, plan } = draft;
  if (course.wave + 1 < plan.waves.length) {
    course.wave++;
    course.waveSince = input.now;
    course.gatesWaived = false;
    draft.enter("running", `${plan.waves[course.wave]?.name ?? ""} begins`);
    return true;
  }
  const late = [...draft.notes.keys()].filter((index) => draft.note(index).late === true && (draft.phase(index) === "pending" || isInFlight(draft, index)));
  if (late.length > 0) {
    if (course.status !== "running") draft.enter("running", "only late hosts are left");
    course.lateUntil ??= input.now + plan.policy.unavailable.timeoutMs;
    if (input.now < course.lateUntil || late.some((index) => isInFlight(draft, index))) {
      alarms.push(course.lateUntil);
      return false;
    }
    for (const index of late) leaveOut(context, index, "offline", "the host did not turn up before the rollout's end");
  }
  course.endedAt = input.now;
  const reason = judgeBudget(draft, true);
  if (reason === null) draft.enter("completed", "");
  else draft.enter("failed", `failure budget: ${reason}`);
  return false;
}

function endAbort({ draft, input }: TickContext): boolean {
  for (const index of draft.notes.keys()) {
    if (isInFlight(draft, index)) return false;
  }
  for (const index of draft.plan.hosts.keys()) {
    if (draft.phase(index) === "pending" && draft.fence(index) > 0) draft.move(index, "stopped", "the rollout ended before the host was done");
  }
  const end = draft.course.next === "failed" ? "failed" : "aborted";
  draft.course.next = null;
  draft.course.endedAt = input.now;
  draft.enter(end, draft.course.reason);
  return false;
}
