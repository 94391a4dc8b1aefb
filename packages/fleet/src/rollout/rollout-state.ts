import type { Saving } from "../saving.ts";
import { NO_SAVING } from "../saving.ts";
import type { RolloutPlan } from "./rollout-plan.ts";

/**
 * Where one host is.
 * - `pending`: not yet, or not again, commanded. `dispatching`: commanded, not acknowledged. `acknowledged`: the agent has the job.
 *   `running`: it has reported progress.
 * - `succeeded`, `failed`, `stopped` (by an abort), `skipped` (left out by policy): ended.
 */
export type HostPhase = "pending" | "dispatching" | "acknowledged" | "running" | "succeeded" | "failed" | "stopped" | "skipped";

/**
 * Where the rollout is. `created` until its first tick; `soaking` between a wave's end and the next wave; `paused` starts nothing
 * new and lets running jobs end; `aborting` waits for the hosts it has told to stop; `aborted`, `completed`, `failed` are ends.
 */
export type RolloutStatus = "created" | "running" | "soaking" | "paused" | "aborting" | "aborted" | "completed" | "failed";

/** Why a host failed or was skipped, as the agent or the rollout says it. */
export interface Cause {
  /** Stable: an errno name, an error code of the agent, or one of the rollout's own (`silent`, `no-ack`, `offline`, …). */
  readonly code: string;
  readonly message: string;
}

/** What is kept of a host beyond its phase. Most hosts of a large rollout have none at any one time. */
export interface HostNote {
  /** A command with the host's current fence was given and its result has not come. */
  readonly open?: boolean;
  /** End of the permission given with the current fence, ms since the epoch. */
  readonly notAfter?: number;
  /** When the current command was first given, ms since the epoch. */
  readonly givenAt?: number;
  /** When it was last told to stop, ms since the epoch. */
  readonly cancelAt?: number;
  /** Why it failed or was skipped. */
  readonly cause?: Cause;
  /** Clean stops so far; work goes on from the agent's checkpoint. */
  readonly stops?: number;
  /** Interruptions so far: agent restarts, commands never acknowledged. */
  readonly interruptions?: number;
  /** Put off by the policy `wait`: taken when it turns up. */
  readonly late?: boolean;
  /** This rollout holds the host against others. */
  readonly held?: boolean;
}

/** A rollout's truth. A plain JSON value; every tick returns a new one, and a caller stores it by compare-and-set on `version`. */
export interface RolloutState {
  /** Grows by one with every tick that changed anything. */
  readonly version: number;
  readonly planHash: string;
  readonly status: RolloutStatus;
  /** Why it is paused, aborting, aborted or failed; "" otherwise. */
  readonly reason: string;
  /** What a resume goes back to while paused, what an abort ends in while aborting; null otherwise. */
  readonly next: "running" | "soaking" | "aborted" | "failed" | null;
  /** Index of the current wave; waves after it have not begun. */
  readonly wave: number;
  /** Since when the current wave's hosts have their turn (a resume begins it anew), ms since the epoch. */
  readonly waveSince: number;
  /** End of the soak, ms since the epoch; null unless soaking or paused in it. */
  readonly soakUntil: number | null;
  /** How long late hosts are still waited for once all else is done, ms since the epoch. */
  readonly lateUntil: number | null;
  /** An operator went on although this wave's gates failed. */
  readonly gatesWaived: boolean;
  readonly startedAt: number | null;
  readonly endedAt: number | null;
  /** The highest fence this rollout knows of. */
  readonly lastFence: number;
  /** One letter a host, see PHASE_LETTERS: 10,000 hosts stay 10 kB. */
  readonly phases: string;
  /** The last fence given to each host; 0: none. */
  readonly fences: readonly number[];
  /** Per host, ms after the plan's creation: the last word from a working host; since when a pending one is unavailable (-1: it is not). */
  readonly since: readonly number[];
  /** By host index. */
  readonly notes: { readonly [index: string]: HostNote };
  /** Hosts in each phase. */
  readonly counts: { readonly [phase in HostPhase]: number };
  /** What was really saved, per wave. */
  readonly saved: readonly Saving[];
}

const PHASES: readonly HostPhase[] = ["pending", "dispatching", "acknowledged", "running", "succeeded", "failed", "stopped", "skipped"];

/** The letter of each phase in `RolloutState.phases`. */
export const PHASE_LETTERS: { readonly [phase in HostPhase]: string } = {
  pending: ".",
  dispatching: "d",
  acknowledged: "a",
  running: "r",
  succeeded: "S",
  failed: "F",
  stopped: "T",
  skipped: "-",
};

/** The phase of each letter in `RolloutState.phases`. */
export const PHASE_OF_LETTER = new Map(PHASES.map((phase) => [PHASE_LETTERS[phase], phase]));

/** The state of a rollout that has not begun. */
export function createState(plan: RolloutPlan): RolloutState {
  const total = plan.hosts.length;
  return {
    version: 0,
    planHash: plan.hash,
    status: "created",
    reason: "",
    next: null,
    wave: 0,
    waveSince: plan.createdAt,
    soakUntil: null,
    lateUntil: null,
    gatesWaived: false,
    startedAt: null,
    endedAt: null,
    lastFence: 0,
    phases: PHASE_LETTERS.pending.repeat(total),
    fences: Array.from({ length: total }, () => 0),
    since: Array.from({ length: total }, () => -1),
    notes: {},
    counts: { pending: total, dispatching: 0, acknowledged: 0, running: 0, succeeded: 0, failed: 0, stopped: 0, skipped: 0 },
    saved: plan.waves.map(() => NO_SAVING),
  };
}

/** Whether the rollout has ended; only a retry takes it out of there again. */
export function isOver(status: RolloutStatus): boolean {
  return status === "aborted" || status === "completed" || status === "failed";
}
