/**
 * Changing the fleet's authority takes three steps, so that no host is ever left behind: `prepare` makes the next one and
 * lets every agent trust it; `switch` signs with it (refused while a member has not been heard of since `prepare`);
 * `finish` trusts the old one no more (refused until every certificate that it signed has ended).
 */
export const authoritySteps = ["prepare", "switch", "finish"] as const;

export type AuthorityStep = (typeof authoritySteps)[number];

export interface AuthorityView {
  /** `sha256:<hex>` of the authority that signs. */
  readonly fingerprint: string;
  /** PEM of all that are trusted. */
  readonly authorities: string;
}
