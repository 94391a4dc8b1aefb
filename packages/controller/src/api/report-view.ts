import type { RolloutHostState, RolloutSummary } from "./rollout-view.ts";

/** What a rollout did, over all its hosts. */
export interface RolloutReportView {
  readonly rollout: RolloutSummary;
  readonly totals: {
    readonly filesUnified: number;
    /** Bytes freed on disk. */
    readonly reclaimedBytes: number;
    /** Bytes that dry runs predicted for the hosts that have both figures; null when none has. */
    readonly predictedBytes: number | null;
    /** Bytes of page cache that private copies would have cost besides, now. */
    readonly pageCacheSavedBytes: number;
  };
  /** Failures grouped by cause, the largest group first. */
  readonly failures: readonly { readonly cause: string; readonly hosts: readonly string[] }[];
  readonly hosts: readonly HostReportView[];
}

export interface HostReportView {
  readonly host: string;
  readonly state: RolloutHostState;
  readonly startedAt: string | null;
  readonly finishedAt: string | null;
  readonly error: { readonly code: string; readonly message: string; readonly hint: string } | null;
  /** The engine's own report (`samepage local unify --json` prints the same shape); null until the host has ended. */
  readonly result: OperationResult | null;
}

/** The engine's report as JSON; its shape depends on the operation's kind. */
export type OperationResult = Readonly<Record<string, unknown>>;
