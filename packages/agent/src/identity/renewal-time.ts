import { X509Certificate } from "node:crypto";

/** Renewal begins at a random point between these parts of a certificate's life, so that a fleet enrolled at once does not renew at once. */
const earliest = 0.5;
const latest = 0.7;

/** When a certificate (PEM) shall be renewed, epoch milliseconds. `random` is in [0, 1). */
export function renewalTime(certificate: string, random: number): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  const life = validToDate.getTime() - validFromDate.getTime();
  return validFromDate.getTime() + life * (earliest + (latest - earliest) * random);
}

/** Whether a certificate (PEM) has ended at this time, epoch milliseconds. */
export function hasEnded(certificate: string, now: number): boolean {
  return new X509Certificate(certificate).validToDate.getTime() <= now;
}
