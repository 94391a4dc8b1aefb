import { isInCanary, isTried } from "./canary.ts";
import { isInFlight, mayBeWorking, observe, REPEAT_MS, type TickContext } from "./tick-context.ts";

/** Why the rollout is where it is, one sentence each, most important first. */
export function explain(context: TickContext): string[] {
  const { draft, waiting } = context;
  const { course, plan, counts } = draft;
  const said: string[] = [];
  const wave = plan.waves[course.wave];
  const working = counts.dispatching + counts.acknowledged + counts.running;
  if (course.reason !== "" && course.status !== "running") said.push(`${course.status}: ${course.reason}`);
  if (course.status === "running" && wave !== undefined) said.push(`${wave.name} (${course.wave + 1} of ${plan.waves.length}): ${working} hosts working`);
  if (course.status === "soaking" && course.soakUntil !== null) said.push(`${wave?.name ?? ""} is done; the next begins after ${isoTime(course.soakUntil)} if the gates allow it`, ...context.gates.map((reason) => `gate: ${reason}`));
  if (course.status === "paused") said.push(`${working} hosts finish what they began, nothing new starts until resume`);
  if (course.status === "aborting") said.push(`${working} hosts are being stopped`);
  if (course.status === "running") {
    said.push(...explainStandIns(context), ...explainClosed(context));
    for (const [reason, hosts] of waiting) said.push(`${hosts} ${hosts === 1 ? "host waits" : "hosts wait"} for ${reason}`);
  }
  said.push(...explainOutOfReach(context));
  let silent = 0;
  for (const index of draft.notes.keys()) if (!isInFlight(draft, index) && mayBeWorking(context, index)) silent++;
  if (silent > 0) said.push(`${silent} silent ${silent === 1 ? "host keeps its" : "hosts keep their"} place until the time given to it is over`);
  if (counts.failed > 0) said.push(`${counts.failed} of ${counts.failed + counts.succeeded} finished hosts failed; the budget is ${plan.policy.failureBudget.limit}`);
  if (counts.skipped > 0) said.push(`${counts.skipped} hosts were left out`);
  return said;
}

/** Hosts that are tried before their turn, because a canary cannot be worked on. */
function explainStandIns({ draft }: TickContext): string[] {
  if (!isInCanary(draft)) return [];
  const names: string[] = [];
  for (let index = draft.turnEnd; index < draft.plan.hosts.length; index++) if (isTried(draft, index)) names.push(draft.hostName(index));
  if (names.length === 0) return [];
  return [`${firstNames(names)} ${names.length === 1 ? "stands" : "stand"} in for canaries that cannot be worked on now`];
}

/** Hosts whose windows are closed: which, and until when. */
function explainClosed({ draft, closed }: TickContext): string[] {
  const [first, ...others] = closed.toSorted((a, b) => a.opensAt - b.opensAt);
  if (first === undefined) return [];
  const opens = ({ index, opensAt }: typeof first) => `${draft.hostName(index)}'s opens at ${isoTime(opensAt)}`;
  const last = others.at(-1);
  if (last === undefined) return [`1 host waits for its window: ${opens(first)}`];
  const next = last.opensAt === first.opensAt ? `all open at ${isoTime(first.opensAt)}` : `${opens(first)}, the last, ${opens(last)}`;
  return [`${closed.length} hosts wait for their windows: ${next}`];
}

/** Hosts that have a job and cannot be asked about it: what is certain of them is when they stop. */
function explainOutOfReach(context: TickContext): string[] {
  const { draft, input } = context;
  const unanswered: string[] = [];
  let overdue = 0;
  let lost = 0;
  let stopsAt = 0;
  for (const [index, { givenAt = input.now, notAfter = input.now }] of draft.notes) {
    if (!isInFlight(draft, index)) continue;
    if (draft.phase(index) === "dispatching" && input.now >= givenAt + REPEAT_MS) unanswered.push(draft.hostName(index));
    if (notAfter <= input.now) overdue++;
    else if (draft.phase(index) !== "dispatching" && !observe(context, index).online) {
      lost++;
      stopsAt = Math.max(stopsAt, notAfter);
    }
  }
  const said: string[] = [];
  if (unanswered.length > 0) said.push(`${firstNames(unanswered)} ${unanswered.length === 1 ? "has" : "have"} been told more than once and ${unanswered.length === 1 ? "does" : "do"} not answer; taken back after ${draft.plan.policy.ackTimeoutMs / 1000} s`);
  if (lost > 0) said.push(`${lost === 1 ? "1 host that works is" : `${lost} hosts that work are`} out of reach; they stop by themselves at ${isoTime(stopsAt)} at the latest, and report when they are back`);
  if (overdue > 0) said.push(`the time of ${overdue === 1 ? "1 host" : `${overdue} hosts`} is over: the agent has stopped by itself, its report is waited for`);
  return said;
}

/** Enough to know where to look. */
function firstNames(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
