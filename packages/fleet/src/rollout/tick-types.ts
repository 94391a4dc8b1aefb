import type { HostSample } from "../gates/host-sample.ts";
import type { Operation } from "../operation.ts";
import type { Saving } from "../saving.ts";
import type { WindowState } from "../windows/window-state.ts";
import type { Cause, HostPhase, RolloutState, RolloutStatus } from "./rollout-state.ts";

/**
 * What an agent says about a job. Repeats, late ones and ones out of order are harmless; acknowledge every one of them once the
 * new state is stored.
 */
export type JobReport =
  | { readonly type: "acknowledged" | "progress"; readonly jobId: string; readonly fence: number }
  | JobResult;

/**
 * The end of one fence's work.
 * - `succeeded`, `failed`: the job is over.
 * - `stopped`: it stopped cleanly, at its not-after or because it was told to, and can go on from its checkpoint.
 * - `interrupted`: the agent lost it, for example by a restart; it can be done again.
 * - `stale`: the agent refused the command because it has already seen `seenFence`, which is higher.
 */
export interface JobResult {
  readonly type: "result";
  readonly jobId: string;
  readonly fence: number;
  readonly outcome: "succeeded" | "failed" | "stopped" | "interrupted" | "stale";
  /** For `failed`. */
  readonly cause?: Cause;
  /** What this fence's work really saved. Default nothing. */
  readonly saved?: Saving;
  /** The agent has checked, after the work, that the host is in the state that the operation promises. Default false. */
  readonly proved?: boolean;
  /** For `stale`. */
  readonly seenFence?: number;
}

/** What is known of one host at the time of a tick. */
export interface HostObservation {
  /** It has a live stream to some controller. */
  readonly online: boolean;
  /** The last word of any kind from it, ms since the epoch. */
  readonly lastSeenAt: number;
  readonly cordoned: boolean;
  /** The rollout that holds it, or null. Holds are taken and given back as `Tick.holds` says. */
  readonly heldBy: string | null;
  /** From `windowStates`; `ALWAYS_OPEN` where no window is defined. */
  readonly window: WindowState;
}

/**
 * What an operator orders. An order that already holds is taken without effect; one that cannot be followed throws.
 * - `pause`: start nothing new. `resume`: go on, also where a gate had paused it (that wave's gates are then waived).
 * - `abort`: stop every host, then end. `retry`: the failed hosts (or the named ones that failed, stopped or were skipped) once more.
 */
export type RolloutCommand =
  | { readonly type: "pause" | "abort"; readonly reason: string }
  | { readonly type: "resume" }
  | { readonly type: "retry"; readonly hosts?: readonly string[] };

/** Everything a tick looks at besides plan and state. */
export interface TickInput {
  /** The controller's clock, ms since the epoch. */
  readonly now: number;
  readonly reports: readonly JobReport[];
  readonly command?: RolloutCommand;
  /** By host name. A host that is missing counts as offline. */
  readonly hosts: ReadonlyMap<string, HostObservation>;
  /** The highest fence that any rollout of this fleet has given out; new ones are higher, so that a host can refuse every older command. */
  readonly fenceFloor: number;
  /** Readings for the gates, by host name; looked at while soaking. */
  readonly samples: ReadonlyMap<string, HostSample>;
}

/** A command to give to an agent. Giving it again, by anyone, is harmless: the agent knows job and fence. */
export interface Dispatch {
  readonly jobId: string;
  readonly host: string;
  readonly fence: number;
  readonly operation: Operation;
  /** ms since the epoch. */
  readonly notBefore: number;
  /** The agent stops by itself at this moment, ms since the epoch. */
  readonly notAfter: number;
  readonly planHash: string;
  /** The same command was given before and not acknowledged. */
  readonly again: boolean;
}

/** Tells an agent to stop a job with a checkpoint and report it. */
export interface Cancel {
  readonly jobId: string;
  readonly host: string;
  readonly fence: number;
  readonly reason: string;
}

/** One thing that changed; the controller appends it to the audit stream. */
export type Transition =
  | { readonly of: "rollout"; readonly from: RolloutStatus; readonly to: RolloutStatus; readonly wave: number; readonly reason: string }
  | { readonly of: "host"; readonly host: string; readonly from: HostPhase; readonly to: HostPhase; readonly fence: number; readonly reason: string };

/** What a tick decided. */
export interface Tick {
  /** The same object as before where nothing changed. */
  readonly state: RolloutState;
  readonly transitions: readonly Transition[];
  readonly dispatch: readonly Dispatch[];
  readonly cancel: readonly Cancel[];
  /** To be applied in the same step that stores the state; if a hold cannot be taken, nothing is stored and the tick is made again. */
  readonly holds: { readonly acquire: readonly string[]; readonly release: readonly string[] };
  /** Why the rollout is where it is, one sentence each, for the operator. */
  readonly explanations: readonly string[];
  /** What each host whose turn it is waits for, by name. */
  readonly waiting: ReadonlyMap<string, string>;
  /** When time alone next changes something, ms since the epoch; null: only a report or an order does. */
  readonly nextTickAt: number | null;
}
