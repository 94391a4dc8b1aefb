import type { WindowState } from "../windows/window-state.ts";
import { ALWAYS_OPEN } from "../windows/window-state.ts";
import type { RolloutDraft } from "./rollout-draft.ts";
import type { Cancel, Dispatch, HostObservation, TickInput } from "./tick-types.ts";

/** What the stages of one tick share: the open state, what they were given, and what they decided. */
export interface TickContext {
  readonly draft: RolloutDraft;
  readonly input: TickInput;
  readonly dispatch: Dispatch[];
  readonly cancel: Cancel[];
  /** Moments at which time alone changes something. */
  readonly alarms: number[];
  /** Why hosts that have their turn are not working, counted by reason. Rebuilt by every look at the hosts. */
  readonly waiting: Map<string, number>;
  /** By host index, the same reason with what is known of that host, e.g. when its window opens. */
  readonly waitingHosts: Map<number, string>;
  /** Hosts that wait for their window, and when it opens, ms since the epoch. Rebuilt by every look at the hosts. */
  readonly closed: { readonly index: number; readonly opensAt: number }[];
  /** What keeps the gates of a wave that is done from passing. */
  gates: readonly string[];
}

/** A command or a cancel that was not answered is given again after this long, ms: a lost message costs seconds, a slow host is not flooded. */
export const REPEAT_MS = 15_000;

/** What is known of the host with this index. */
export function observe({ draft, input }: TickContext, index: number): HostObservation {
  return input.hosts.get(draft.hostName(index)) ?? UNKNOWN_HOST;
}

/** The host's window as the rollout's policy sees it. */
export function windowOf({ draft }: TickContext, observation: HostObservation): WindowState {
  return draft.plan.policy.respectWindows ? observation.window : ALWAYS_OPEN;
}

/** Whether the host has a job that it is expected to report on. */
export function isInFlight(draft: RolloutDraft, index: number): boolean {
  const phase = draft.phase(index);
  return phase === "dispatching" || phase === "acknowledged" || phase === "running";
}

/** Whether the host may be working for this rollout: in flight, or given up as silent while its permission still runs. */
export function mayBeWorking({ draft, input }: TickContext, index: number): boolean {
  if (isInFlight(draft, index)) return true;
  const { open, notAfter } = draft.note(index);
  return open === true && notAfter !== undefined && input.now < notAfter;
}

/** Why the host cannot be worked on whatever its window says; null where nothing speaks against it. */
export function obstacleOf({ draft }: TickContext, observation: HostObservation): { code: string; message: string } | null {
  if (observation.cordoned) return { code: "cordoned", message: "the host is cordoned" };
  if (observation.heldBy !== null && observation.heldBy !== draft.plan.id) {
    return { code: "held", message: `rollout ${observation.heldBy} is working on the host` };
  }
  return observation.online ? null : { code: "offline", message: "the host is offline" };
}

const UNKNOWN_HOST: HostObservation = { online: false, lastSeenAt: 0, cordoned: false, heldBy: null, window: ALWAYS_OPEN };
