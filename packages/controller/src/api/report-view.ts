import type { RolloutOutcomeView } from "./rollout-outcome-view.ts";
import type { RolloutHostState, RolloutSummary } from "./rollout-view.ts";

/** What a rollout did, over all its hosts. */
export interface RolloutReportView {
  readonly rollout: RolloutSummary;
  readonly totals: Omit<RolloutOutcomeView, "failures"> & { readonly filesUnified: number };
  readonly failures: RolloutOutcomeView["failures"];
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
