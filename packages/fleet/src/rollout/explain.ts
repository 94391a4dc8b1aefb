import { mayBeWorking, isInFlight, type TickContext } from "./tick-context.ts";

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
    for (const [reason, hosts] of waiting) said.push(`${hosts} ${hosts === 1 ? "host waits" : "hosts wait"} for ${reason}`);
  }
  let silent = 0;
  for (const index of draft.notes.keys()) if (!isInFlight(draft, index) && mayBeWorking(context, index)) silent++;
  if (silent > 0) said.push(`${silent} silent ${silent === 1 ? "host keeps its" : "hosts keep their"} place until the time given to it is over`);
  if (counts.failed > 0) said.push(`${counts.failed} of ${counts.failed + counts.succeeded} finished hosts failed; the budget is ${plan.policy.failureBudget.limit}`);
  if (counts.skipped > 0) said.push(`${counts.skipped} hosts were left out`);
  return said;
}

function isoTime(at: number): string {
  return new Date(at).toISOString();
}
