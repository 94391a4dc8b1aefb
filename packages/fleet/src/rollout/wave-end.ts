import { isInCanary, isTried, untriedPlaces } from "./canary.ts";
import { isInFlight, obstacleOf, observe, type TickContext, windowOf } from "./tick-context.ts";

/** Whether nothing of the current wave, or of one before it, keeps the next one from beginning. */
export function isWaveDone(context: TickContext): boolean {
  return isInCanary(context.draft) ? isCanaryDone(context) : isOrdinaryWaveDone(context);
}

/** A canary is done once as many hosts as it asks for have ended, or nobody is left who could be tried. */
function isCanaryDone(context: TickContext): boolean {
  const { draft } = context;
  for (const index of draft.plan.hosts.keys()) if (isTried(draft, index) && isUnfinished(context, index)) return false;
  if (untriedPlaces(draft) <= 0) return true;
  for (const index of draft.plan.hosts.keys()) {
    if (!isUnfinished(context, index)) continue;
    // Its own hosts are waited for as the policy says; others are tried as soon as they can be, and have not had their turn.
    if (index < draft.turnEnd) return false;
    const observation = observe(context, index);
    const { open, opensAt } = windowOf(context, observation);
    if (obstacleOf(context, observation) === null && (open || opensAt !== null)) return false;
  }
  return true;
}

/** What is left of an ordinary wave that is done waits for windows that are too far away, and others could work before. */
function isOrdinaryWaveDone(context: TickContext): boolean {
  const { draft } = context;
  let earliest = Number.POSITIVE_INFINITY;
  for (let index = 0; index < draft.turnEnd; index++) {
    if (!isUnfinished(context, index)) continue;
    const opensAt = farOpening(context, index);
    if (opensAt === null) return false;
    earliest = Math.min(earliest, opensAt);
  }
  return earliest === Number.POSITIVE_INFINITY || isLaterHostReadyBefore(context, earliest);
}

function isUnfinished({ draft }: TickContext, index: number): boolean {
  return (draft.phase(index) === "pending" || isInFlight(draft, index)) && draft.note(index).late !== true;
}

/** When the host's window opens if that is later than the wave waits for it, ms since the epoch; else null. */
function farOpening(context: TickContext, index: number): number | null {
  const { draft } = context;
  if (draft.phase(index) !== "pending") return null;
  const { open, opensAt } = windowOf(context, observe(context, index));
  const { windowWaitMs } = draft.plan.policy;
  return !open && opensAt !== null && opensAt > draft.course.waveSince + windowWaitMs ? opensAt : null;
}

function isLaterHostReadyBefore(context: TickContext, moment: number): boolean {
  const { draft } = context;
  for (let index = draft.turnEnd; index < draft.plan.hosts.length; index++) {
    if (draft.phase(index) !== "pending") continue;
    const { open, opensAt } = windowOf(context, observe(context, index));
    if (open || (opensAt !== null && opensAt < moment)) return true;
  }
  return false;
}
