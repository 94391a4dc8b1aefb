import { FleetError } from "./fleet-error.ts";

/** A number of hosts: a count (`5`) or a percentage of all of them (`"10%"`). */
export type Share = number | `${number}%`;

/**
 * How many of `total` hosts a share is. Percentages round up: 10 % of 3 hosts is 1, never none.
 * @throws FleetError `bad-share` for anything but a whole count ≥ 0 or a percentage of 0–100.
 */
export function countOf(share: Share, total: number): number {
  if (typeof share === "number") {
    if (Number.isSafeInteger(share) && share >= 0) return share;
    throw badShare(share);
  }
  // The small number takes back what binary fractions add: 0.07 % of 10,000 is 7, not 8.
  return Math.ceil((percentOf(share) * total) / 100 - 1e-9);
}

/** The number in a percentage. @throws FleetError `bad-share`. */
export function percentOf(share: `${number}%`): number {
  const match = /^(\d+(?:\.\d+)?)%$/u.exec(share);
  const percent = match === null ? Number.NaN : Number(match[1]);
  if (!(percent >= 0 && percent <= 100)) throw badShare(share);
  return percent;
}

/** Reads a share as an operator writes it. @throws FleetError `bad-share`. */
export function parseShare(text: string): Share {
  const trimmed = text.trim();
  if (/^\d+$/u.test(trimmed)) return Number(trimmed);
  if (trimmed.endsWith("%")) {
    const percent = percentOf(`${Number(trimmed.slice(0, -1))}%`);
    return `${percent}%`;
  }
  throw badShare(text);
}

function badShare(share: string | number): FleetError {
  return new FleetError("bad-share", String(share), `${JSON.stringify(share)} is not a number of hosts`, "write a count such as 5, or a percentage such as 10%");
}
