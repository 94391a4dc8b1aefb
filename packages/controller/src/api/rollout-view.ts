import type { Operation } from "./operation.ts";

/** What an operator asks for. */
export interface CreateRollout {
  /** For people; default: the operation's kind. */
  readonly name?: string;
  readonly operation: Operation;
  /** Which hosts: terms joined by commas, all of which must hold, e.g. `env=prod,name~web-*,kernel>=5.10`; `all` is every host. Default `all`. */
  readonly selector?: string;
  /** Hosts tried before all others: a count (`1`) or a percentage of the selected hosts (`10%`, rounded up). Default `1`; `0` for none. */
  readonly canary?: string;
  /** Sizes of the waves after the canary, written like it. What they leave over is one more wave. Default: one wave. */
  readonly waves?: readonly string[];
  /** Hosts worked on at the same time, 1 … 10000. Default 10. */
  readonly concurrency?: number;
  /** Failed hosts that are borne before the rollout stops: a count (`0`: the first failure stops it) or a percentage of those that ended. Default `10%`. */
  readonly failureBudget?: string;
  /** Hosts that must have ended before a percentage counts. Default 10. */
  readonly failureMinimumSample?: number;
  /** Seconds to wait between waves, 0 … 604800. Default 0. */
  readonly soakSeconds?: number;
  /** What must be healthy on the wave's hosts, from its end on, before the next wave begins; the rollout pauses where it is not. Default none. */
  readonly gates?: readonly GateRequest[];
  /**
   * What becomes of a host that is offline, cordoned or taken by another rollout: `skip` leaves it out after the grace,
   * `fail` counts it as failed then, `wait` goes on without it then and takes it when it turns up. Default `skip`.
   */
  readonly offline?: "skip" | "fail" | "wait";
  /** Seconds such a host is waited for, 0 … 2592000. Default 600. */
  readonly offlineGraceSeconds?: number;
  /** Seconds that one host may take, 60 … 604800; the agent stops by itself then, with a checkpoint. Default 21600. */
  readonly jobTimeoutSeconds?: number;
  /** Restarts of its agent, and commands it did not acknowledge, that are borne before a host counts as failed, 0 … 1000. Default 3: something on the host may end the agent every time. */
  readonly interruptions?: number;
  /** A host whose window closes before it is done: `next` goes on in its next window, `skip` leaves it out, a time such as `2h` goes on if the next window opens within it. Default `next`. */
  readonly missedWindow?: string;
  /** Seconds that a wave waits for hosts whose windows are closed, 0 … 31536000: those that open later do not keep the next wave from beginning, and are worked on when they open. Default 691200 (8 days). */
  readonly windowWaitSeconds?: number;
  /** Runs now, whatever windows and blackouts say. Default false. */
  readonly ignoreWindows?: boolean;
}

/**
 * A condition between waves. A closed set: it reads what agents report, it runs nothing.
 * - `jobs`: at most `maxFailed` hosts of the wave failed, a count or a percentage.
 * - `psi`: tasks waited for the resource in at most `maxPercent` (0 … 100) of the last minute, on all hosts but `except` (default none).
 * - `guests`: every guest that ran before its host's job runs now.
 * - `ksm`: no host's KSM backed off because of its load.
 */
export type GateRequest =
  | { readonly kind: "jobs"; readonly maxFailed: string }
  | { readonly kind: "psi"; readonly resource: "cpu" | "memory" | "io"; readonly maxPercent: number; readonly except?: string }
  | { readonly kind: "guests" }
  | { readonly kind: "ksm" };

/**
 * `created` until its first step; `soaking` between a wave's end and the next one; `paused` starts nothing new and lets
 * running jobs end; `failed`: the failure budget was used up, `reason` says how.
 */
export type RolloutState = "created" | "running" | "soaking" | "paused" | "aborting" | "aborted" | "completed" | "failed";

/**
 * Where one host stands. `dispatching`: commanded, not acknowledged; `acknowledged`: the agent has the job; `running`: it
 * has reported progress; `stopped`: by an abort; `skipped`: left out by policy, e.g. offline past the grace.
 */
export type RolloutHostState = "pending" | "dispatching" | "acknowledged" | "running" | "succeeded" | "failed" | "stopped" | "skipped";

export interface RolloutSummary {
  readonly id: string;
  readonly name: string;
  readonly operation: Operation;
  readonly selector: string;
  readonly state: RolloutState;
  /** Why it is in this state, for people. */
  readonly reason: string;
  readonly createdAt: string;
  readonly createdBy: string;
  readonly finishedAt: string | null;
  readonly hosts: Readonly<Record<RolloutHostState, number>>;
  /** The wave that is worked on, from 0, of `waveCount`. */
  readonly wave: number;
  readonly waveCount: number;
  /** Bytes freed on disk so far, as reported by the agents. */
  readonly reclaimedBytes: number;
}

export interface RolloutView extends RolloutSummary {
  readonly waves: readonly RolloutWaveView[];
  /** Why it is where it is, one sentence each: what it waits for, how the failure budget stands. */
  readonly explanations: readonly string[];
  /** What was adjusted or may surprise, e.g. a canary larger than the selection. */
  readonly notices: readonly string[];
}

export interface RolloutWaveView {
  /** e.g. `canary` or `wave 1`. */
  readonly name: string;
  readonly hosts: readonly RolloutHostView[];
}

export interface RolloutHostView {
  readonly host: string;
  readonly state: RolloutHostState;
  /** Why it failed or was left out, or what it waits for; empty while all is well. */
  readonly reason: string;
  readonly progress: ProgressView | null;
  /** Bytes that the host's newest dry run of this operation predicted; null when there was none. */
  readonly predictedBytes: number | null;
  readonly reclaimedBytes: number | null;
}

export interface ProgressView {
  readonly phase: string;
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
}

/** What `rollout plan` shows: the waves that creating it now would freeze. Nothing is stored. */
export interface RolloutPlanView {
  readonly selector: string;
  readonly waves: readonly { readonly name: string; readonly hosts: readonly { readonly host: string; readonly predictedBytes: number | null }[] }[];
  readonly notices: readonly string[];
}
