import { isOver } from "./rollout-state.ts";
import { mayBeWorking, observe, type TickContext } from "./tick-context.ts";

/**
 * Which hosts this rollout takes hold of and which it gives back: held from a host's first command until it has ended and can
 * no longer be working, so that a half-done host is never given to another rollout in between.
 */
export function settleHolds(context: TickContext): { acquire: string[]; release: string[] } {
  const { draft, alarms } = context;
  const acquire: string[] = [];
  const release: string[] = [];
  for (const [index, note] of draft.notes) {
    const working = mayBeWorking(context, index);
    const between = note.held === true && draft.phase(index) === "pending" && !isOver(draft.course.status);
    if (working || between) {
      // Taken again where the store has lost it.
      if (note.held !== true || observe(context, index).heldBy === null) acquire.push(draft.hostName(index));
      if (note.held !== true) draft.setNote(index, { held: true });
      if (working && note.notAfter !== undefined && note.notAfter > context.input.now) alarms.push(note.notAfter);
    } else if (note.held === true) {
      release.push(draft.hostName(index));
      // A permission that is over stays over, also where the clock is set back.
      draft.setNote(index, { held: undefined, notAfter: undefined });
    }
  }
  return { acquire, release };
}
