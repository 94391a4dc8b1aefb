/** `GET /v1/savings`: what the fleet saves. Disk and memory are different things and are never added up. */
export interface SavingsView extends SavingsAmounts {
  /** One entry an hour in which a report came, oldest first, at most 90 days. */
  readonly history: readonly (SavingsAmounts & { readonly at: string })[];
}

export interface SavingsAmounts {
  /** Freed on disk by all unify jobs, less what deunify jobs took back. */
  readonly diskBytes: number;
  /** Page cache that private copies would have cost besides, each host as of its newest report. */
  readonly pageCacheBytes: number;
  /** Memory that KSM saves, the kernel's own account less its bookkeeping, each host as of its newest KSM job. */
  readonly ksmBytes: number;
}
