import { X509Certificate } from "node:crypto";
import { renewalMoment } from "@samepage/fleet";

/** When a certificate (PEM) shall be renewed, epoch milliseconds; another moment at each call. */
export function renewalTime(certificate: string): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  return renewalMoment(validFromDate.getTime(), validToDate.getTime(), Math.random);
}

/** Whether a certificate (PEM) has ended at this time, epoch milliseconds. */
export function hasEnded(certificate: string, now: number): boolean {
  return new X509Certificate(certificate).validToDate.getTime() <= now;
}
