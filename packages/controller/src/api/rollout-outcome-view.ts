/** `GET /v1/rollouts/:id/outcome`: what a rollout came to, without its hosts' reports. */
export interface RolloutOutcomeView {
  /** Bytes freed on disk. */
  readonly reclaimedBytes: number;
  /** Bytes that dry runs predicted for the hosts that have both figures; null when none has. */
  readonly predictedBytes: number | null;
  /** Bytes of page cache that private copies would have cost besides, now. */
  readonly pageCacheSavedBytes: number;
  /** Failures grouped by cause, the largest group first. */
  readonly failures: readonly { readonly cause: string; readonly hosts: readonly string[] }[];
}
