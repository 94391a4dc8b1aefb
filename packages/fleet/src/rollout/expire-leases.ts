import { takeBack } from "./apply-reports.ts";
import { isInFlight, observe, type TickContext } from "./tick-context.ts";

/** How long after a job's not-after its report may take, ms: an agent stops at the not-after, writes its checkpoint and then reports. */
const REPORT_GRACE_MS = 2 * 60_000;

/** Gives up on hosts that have been silent for too long. Their results still count if they come after all. */
export function expireLeases(context: TickContext): void {
  const { draft, input, alarms } = context;
  const { ackTimeoutMs, silenceMs } = draft.plan.policy;
  for (const [index, { givenAt = input.now, notAfter = input.now }] of draft.notes) {
    if (!isInFlight(draft, index)) continue;
    if (draft.phase(index) === "dispatching") {
      if (input.now >= givenAt + ackTimeoutMs) takeBack(context, index);
      else alarms.push(givenAt + ackTimeoutMs);
      continue;
    }
    const lastWord = Math.max(draft.since(index) ?? 0, observe(context, index).lastSeenAt);
    if (input.now >= notAfter + REPORT_GRACE_MS) {
      fail(context, index, "no-report", "its time is over and it has not reported");
    } else if (input.now >= lastWord + silenceMs) {
      fail(context, index, "silent", `nothing heard for ${Math.round(silenceMs / 60_000)} min`);
    } else {
      alarms.push(Math.min(notAfter + REPORT_GRACE_MS, lastWord + silenceMs));
    }
  }
}

function fail({ draft }: TickContext, index: number, code: string, message: string): void {
  draft.setNote(index, { cause: { code, message } });
  draft.setSince(index, null);
  draft.move(index, "failed", message);
}
