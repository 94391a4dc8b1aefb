/**
 * When to renew a certificate: at a random moment between 50 and 70 % of its life, so that hosts enrolled together do not renew
 * together, and 30 % of the life is left for trying again. ms since the epoch.
 * @param random gives 0 ≤ x < 1.
 */
export function renewalMoment(notBefore: number, notAfter: number, random: () => number): number {
  return Math.floor(notBefore + (notAfter - notBefore) * (0.5 + 0.2 * random()));
}
