import { FleetError } from "../fleet-error.ts";

const UNITS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Reads a length of time such as `90m`, `4h` or `1h30m`, in ms. A day is 24 hours, whatever the clocks do. @throws FleetError `bad-duration`. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d{1,6})([smhd])/gu)];
  if (text === "" || parts.map(([part]) => part).join("") !== text) {
    throw new FleetError("bad-duration", text, `${JSON.stringify(text)} is not a length of time`, "write for example 90m, 4h or 1h30m (s, m, h, d)");
  }
  return parts.reduce((total, [, count, unit]) => total + Number(count) * (UNITS[unit ?? ""] ?? 0), 0);
}
