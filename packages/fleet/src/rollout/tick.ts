import { advanceRollout } from "./advance-rollout.ts";
import { applyCommand } from "./apply-command.ts";
import { applyReports } from "./apply-reports.ts";
import { cancelJobs } from "./cancel-jobs.ts";
import { considerHosts, giveCommands, repeatCommands } from "./consider-hosts.ts";
import { expireLeases } from "./expire-leases.ts";
import { explain } from "./explain.ts";
import { RolloutDraft } from "./rollout-draft.ts";
import type { RolloutPlan } from "./rollout-plan.ts";
import type { RolloutState } from "./rollout-state.ts";
import { settleHolds } from "./settle-holds.ts";
import type { TickContext } from "./tick-context.ts";
import type { Tick, TickInput } from "./tick-types.ts";

/**
 * One step of a rollout: takes in reports and an operator's order, looks at the clock, the windows and the hosts, and decides.
 * Pure: the same values give the same decision, and giving the same reports again changes nothing. Call it whenever something
 * happened and at `nextTickAt`; calling it more often is harmless.
 * @throws FleetError `wrong-state` or `unknown-host` for an order that cannot be followed.
 */
export function tick(plan: RolloutPlan, state: RolloutState, input: TickInput): Tick {
  const draft = new RolloutDraft(plan, state);
  const context: TickContext = { draft, input, dispatch: [], cancel: [], alarms: [], waiting: new Map(), waitingHosts: new Map(), closed: [], gates: [] };
  applyReports(context);
  if (input.command !== undefined) applyCommand(context, input.command);
  expireLeases(context);
  settle(context);
  if (draft.course.status === "running" || draft.course.status === "soaking") repeatCommands(context);
  cancelJobs(context);
  const holds = settleHolds(context);
  // A moment that has come has had its effect in this tick.
  const alarms = context.alarms.filter((at) => at > input.now);
  return {
    state: draft.close(),
    transitions: draft.transitions,
    dispatch: context.dispatch,
    cancel: context.cancel,
    holds,
    explanations: explain(context),
    waiting: new Map([...context.waitingHosts].map(([index, reason]) => [draft.hostName(index), reason])),
    nextTickAt: alarms.length === 0 ? null : alarms.reduce((earliest, at) => Math.min(earliest, at)),
  };
}

/** Lets every policy have its say before anything new begins, so that no command is given in the tick that uses up the budget. */
function settle(context: TickContext): void {
  for (;;) {
    while (advanceRollout(context));
    if (context.draft.course.status !== "running") return;
    const ready = considerHosts(context);
    if (advanceRollout(context)) continue;
    if (context.draft.course.status === "running") giveCommands(context, ready);
    return;
  }
}
