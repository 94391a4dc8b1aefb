import type { Operation } from "./operation.ts";

/** What an operator asks for. */
export interface CreateRollout {
  /** For people; default: the operation's kind. */
  readonly name?: string;
  readonly operation: Operation;
  /** Which hosts: `all`, or terms joined by commas, all of which must hold: `label=value`, `label!=value`, `host=pattern`. Default `all`. */
  readonly selector?: string;
  /**
   * Sizes of the waves, each a count (`2`) or a percentage of the selected hosts (`10%`, rounded up).
   * What is left over goes into a last wave. Default `["1"]`: one canary host, then the rest.
   */
  readonly waves?: readonly string[];
  /** Hosts worked on at the same time, 1 … 10000. Default 10. */
  readonly concurrency?: number;
  /** Failed hosts that are borne before the rollout stops: a count or a percentage. Default `0`: the first failure stops it. */
  readonly failureBudget?: string;
  /** Hosts that must have ended before a percentage counts. Default 5. */
  readonly failureMinimumSample?: number;
  /** Seconds to wait between waves, 0 … 604800. Default 0. */
  readonly soakSeconds?: number;
  /** Seconds a host that is offline is waited for before it counts as `missed`, 0 … 2592000. Default 900. */
  readonly offlineGraceSeconds?: number;
  /** Seconds that one host may take, 60 … 604800; the agent stops by itself then, with a checkpoint. Default 14400. */
  readonly jobTimeoutSeconds?: number;
}

/** `failed`: the failure budget was used up or a gate said no; `reason` says which. */
export type RolloutState = "running" | "paused" | "aborting" | "aborted" | "succeeded" | "failed";

/** Where one host stands. `missed`: offline past the grace; `cancelled`: the rollout was aborted. */
export type RolloutHostState = "waiting" | "dispatching" | "running" | "succeeded" | "failed" | "missed" | "skipped" | "cancelled";

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
  /** What was adjusted or may surprise, e.g. a canary larger than the selection. */
  readonly notices: readonly string[];
}

export interface RolloutWaveView {
  readonly hosts: readonly RolloutHostView[];
}

export interface RolloutHostView {
  readonly host: string;
  readonly state: RolloutHostState;
  /** Why, for people; empty while all is well. */
  readonly reason: string;
  /** Tries so far. */
  readonly attempt: number;
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
  readonly waves: readonly { readonly hosts: readonly { readonly host: string; readonly predictedBytes: number | null }[] }[];
  readonly notices: readonly string[];
}
