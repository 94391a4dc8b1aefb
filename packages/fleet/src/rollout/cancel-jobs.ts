import { jobIdOf } from "./job-id.ts";
import { isInFlight, observe, REPEAT_MS, windowOf, type TickContext } from "./tick-context.ts";

/** Tells hosts to stop: all of them while aborting; otherwise those whose window was closed under them by a new blackout. */
export function cancelJobs(context: TickContext): void {
  const { draft, input, alarms, cancel } = context;
  const aborting = draft.course.status === "aborting";
  for (const [index, note] of draft.notes) {
    if (!isInFlight(draft, index)) continue;
    const observation = observe(context, index);
    if (!aborting && windowOf(context, observation).open) continue;
    if (note.cancelAt !== undefined && input.now < note.cancelAt + REPEAT_MS) {
      alarms.push(note.cancelAt + REPEAT_MS);
    } else if (observation.online) {
      const reason = aborting ? draft.course.reason : "its maintenance window is closed";
      cancel.push({ jobId: jobIdOf(draft.plan, index), host: draft.hostName(index), fence: draft.fence(index), reason });
      draft.setNote(index, { cancelAt: input.now });
      alarms.push(input.now + REPEAT_MS);
    }
  }
}
