import type { WindowState } from "../windows/window-state.ts";
import { isInCanary, isTried, untriedPlaces } from "./canary.ts";
import { jobIdOf } from "./job-id.ts";
import type { HostObservation } from "./tick-types.ts";
import { mayBeWorking, obstacleOf, observe, REPEAT_MS, windowOf, type TickContext } from "./tick-context.ts";

/** A host that can be given its command, with the window it would work in. */
interface ReadyHost {
  readonly index: number;
  readonly window: WindowState;
}

/** Looks at every host whose turn it is: ready, waiting (and for what), or left out as the policy says. */
export function considerHosts(context: TickContext): ReadyHost[] {
  const { draft, waiting } = context;
  const ready: ReadyHost[] = [];
  waiting.clear();
  context.waitingHosts.clear();
  context.closed.length = 0;
  const canary = isInCanary(draft);
  // Those that stand in for a canary have their turn from their first command on.
  const end = canary ? draft.plan.hosts.length : draft.turnEnd;
  for (let index = 0; index < end; index++) {
    if (draft.phase(index) !== "pending" || (index >= draft.turnEnd && !isTried(draft, index))) continue;
    const observation = observe(context, index);
    const window = windowOf(context, observation);
    if (!hasRoom(context, window)) waitForWindow(context, index, window);
    else if (isAvailable(context, index, observation)) ready.push({ index, window });
  }
  return canary ? chooseCanaries(context, ready) : ready;
}

/** As many hosts as the canary still has to try, the first of the order that can be worked on; what was begun goes on in any case. */
function chooseCanaries(context: TickContext, ready: readonly ReadyHost[]): ReadyHost[] {
  const { draft, alarms } = context;
  let places = untriedPlaces(draft);
  const chosen: ReadyHost[] = [];
  for (const host of ready) {
    if (isTried(draft, host.index) || places-- > 0) chosen.push(host);
    else wait(context, host.index, "the next wave: others are tried first in their place");
  }
  for (let index = draft.turnEnd; index < draft.plan.hosts.length && places > 0; index++) {
    const observation = observe(context, index);
    if (draft.phase(index) !== "pending" || isTried(draft, index) || obstacleOf(context, observation) !== null) continue;
    const window = windowOf(context, observation);
    if (hasRoom(context, window)) {
      chosen.push({ index, window });
      places--;
    } else {
      const at = window.open ? window.closesAt : window.opensAt;
      if (at !== null) alarms.push(at);
    }
  }
  return chosen;
}

/** Gives commands to the first hosts that are ready, as far as the concurrency allows. */
export function giveCommands(context: TickContext, ready: readonly ReadyHost[]): void {
  const { draft } = context;
  let places = draft.plan.policy.concurrency;
  for (const index of draft.notes.keys()) {
    if (mayBeWorking(context, index)) places--;
  }
  let without = 0;
  for (const { index, window } of ready) {
    // A host whose earlier permission still runs has its place already.
    const hasPlace = mayBeWorking(context, index);
    if (!hasPlace && places <= 0) {
      without++;
      context.waitingHosts.set(index, "waits for a free place");
    }
    else {
      if (!hasPlace) places--;
      give(context, index, window);
    }
  }
  if (without > 0) context.waiting.set("a free place", without);
}

/** Gives commands again that were not acknowledged. */
export function repeatCommands(context: TickContext): void {
  const { draft, input, alarms } = context;
  for (const [index, note] of draft.notes) {
    if (draft.phase(index) !== "dispatching" || note.notAfter === undefined) continue;
    const observation = observe(context, index);
    const lastGiven = draft.since(index) ?? 0;
    if (lastGiven === input.now || note.notAfter <= input.now || !windowOf(context, observation).open) continue;
    if (observation.online && input.now >= lastGiven + REPEAT_MS) {
      draft.setSince(index, input.now);
      command(context, index, note.notAfter, true);
      alarms.push(input.now + REPEAT_MS);
    } else alarms.push(lastGiven + REPEAT_MS);
  }
}

/** Whether enough of the window is left to start; of a short window, half is enough. */
function hasRoom({ draft, input }: TickContext, window: WindowState): boolean {
  if (!window.open) return false;
  if (window.closesAt === null) return true;
  const half = (window.closesAt - (window.opensAt ?? input.now)) / 2;
  return window.closesAt - input.now >= Math.min(draft.plan.policy.minimumWindowMs, half);
}

function waitForWindow(context: TickContext, index: number, window: WindowState): void {
  const { draft, alarms } = context;
  const { missedWindow } = draft.plan.policy;
  if (window.open) {
    if (window.closesAt !== null) alarms.push(window.closesAt);
    wait(context, index, "the next window, this one is nearly over");
    return;
  }
  const missedAt = window.lastClosedAt !== null && window.lastClosedAt > draft.course.waveSince ? window.lastClosedAt : null;
  if (window.opensAt === null) {
    leaveOut(context, index, "no-window", "its windows never open again");
  } else if (missedAt !== null && missedWindow === "skip") {
    leaveOut(context, index, "missed-window", "its window closed before it was done");
  } else if (missedAt !== null && typeof missedWindow === "object" && window.opensAt - missedAt > missedWindow.withinMs) {
    leaveOut(context, index, "missed-window", "its window closed before it was done, and the next opens too late");
  } else {
    alarms.push(window.opensAt);
    context.closed.push({ index, opensAt: window.opensAt });
    context.waitingHosts.set(index, `waits for its window, which opens at ${new Date(window.opensAt).toISOString()}`);
  }
}

/** Whether the host can take a command now; otherwise applies the policy for hosts that cannot. */
function isAvailable(context: TickContext, index: number, observation: HostObservation): boolean {
  const { draft, input, alarms } = context;
  const obstacle = obstacleOf(context, observation);
  const since = draft.since(index);
  if (obstacle === null) {
    if (since !== null) draft.setSince(index, null);
    return true;
  }
  const { action, timeoutMs } = draft.plan.policy.unavailable;
  if (since === null) draft.setSince(index, input.now);
  const deadline = (draft.since(index) ?? input.now) + timeoutMs;
  if (draft.note(index).late === true || input.now < deadline) {
    alarms.push(deadline);
    wait(context, index, obstacle.code === "held" ? "another rollout to end" : `the host (${obstacle.code})`, obstacle.code === "held" ? `rollout ${observation.heldBy} to end` : `the host, which is ${obstacle.code}, until ${new Date(deadline).toISOString()}`);
  } else if (action === "wait") {
    draft.setNote(index, { late: true });
    wait(context, index, `the host (${obstacle.code}), without holding up the others`);
  } else if (action === "skip") {
    leaveOut(context, index, obstacle.code, obstacle.message);
  } else {
    draft.setNote(index, { cause: obstacle });
    draft.move(index, "failed", obstacle.message);
  }
  return false;
}

/** Leaves a host out of the rollout, with the cause kept. */
export function leaveOut({ draft }: TickContext, index: number, code: string, message: string): void {
  draft.setNote(index, { cause: { code, message }, late: undefined });
  draft.setSince(index, null);
  draft.move(index, "skipped", message);
}

function give(context: TickContext, index: number, window: WindowState): void {
  const { draft, input } = context;
  const notAfter = Math.min(window.closesAt ?? Number.POSITIVE_INFINITY, input.now + draft.plan.policy.jobTimeoutMs);
  draft.setFence(index, Math.max(draft.course.lastFence, input.fenceFloor) + 1);
  draft.setNote(index, { open: true, givenAt: input.now, notAfter });
  draft.setSince(index, input.now);
  draft.move(index, "dispatching", "");
  command(context, index, notAfter, false);
}

function command({ draft, input, dispatch }: TickContext, index: number, notAfter: number, again: boolean): void {
  dispatch.push({
    jobId: jobIdOf(draft.plan, index),
    host: draft.hostName(index),
    fence: draft.fence(index),
    operation: draft.plan.operation,
    notBefore: again ? (draft.note(index).givenAt ?? input.now) : input.now,
    notAfter,
    planHash: draft.plan.hash,
    again,
  });
}

/** @param own what is known of this host in particular. */
function wait({ waiting, waitingHosts }: TickContext, index: number, reason: string, own = reason): void {
  waiting.set(reason, (waiting.get(reason) ?? 0) + 1);
  waitingHosts.set(index, `waits for ${own}`);
}
