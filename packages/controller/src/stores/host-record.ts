import type { HostFacts } from "../api/host-view.ts";
import type { HostPrediction } from "./host-store.ts";

/** What is stored of a host. Times are epoch milliseconds. */
export interface HostRecord {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly enrolledAt: number;
  readonly revokedAt: number | null;
  readonly serial: string;
  readonly previousSerial: string;
  /** SHA-256 of the certificate's public key, hex. */
  readonly key: string;
  readonly notAfter: number;
  readonly facts: HostFacts | null;
  readonly clockOffsetMs: number | null;
  readonly guestCount: number;
  readonly prediction: HostPrediction | null;
}

const labelPrefix = "label:";

/** The record in a host's hash; undefined when that is empty. */
export function parseHostRecord(name: string, hash: Readonly<Record<string, string>>): HostRecord | undefined {
  if (hash["enrolledAt"] === undefined) return undefined;
  const labels = Object.entries(hash)
    .filter(([field]) => field.startsWith(labelPrefix))
    .map(([field, value]) => [field.slice(labelPrefix.length), value] as const);
  const facts: HostFacts | null = JSON.parse(hash["facts"] ?? "null");
  const prediction: HostPrediction | null = JSON.parse(hash["prediction"] ?? "null");
  return {
    name,
    labels: Object.fromEntries(labels),
    enrolledAt: Number(hash["enrolledAt"]),
    revokedAt: numberOrNull(hash["revokedAt"]),
    serial: hash["serial"] ?? "",
    previousSerial: hash["previousSerial"] ?? "",
    key: hash["key"] ?? "",
    notAfter: Number(hash["notAfter"] ?? 0),
    facts,
    clockOffsetMs: numberOrNull(hash["clockOffsetMs"]),
    guestCount: Number(hash["guestCount"] ?? 0),
    prediction,
  };
}

function numberOrNull(text: string | undefined): number | null {
  return text === undefined ? null : Number(text);
}
