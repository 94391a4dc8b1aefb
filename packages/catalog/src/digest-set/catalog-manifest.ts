import { sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { CatalogError } from "../catalog-error.ts";

/** What one domain's catalog consists of now. Signed by the controller; agents believe nothing else. */
export interface CatalogManifest {
  format: 1;
  /** Trust domain. An agent asks for its guests' domains only. */
  domain: string;
  /** Grows by at least 1 with every change; an agent refuses to go back. */
  epoch: number;
  /** Epoch milliseconds of publication. */
  issuedAt: number;
  /** Base first, then deltas in order, named by the SHA-256 (hex) of their bytes. */
  segments: readonly { name: string; bytes: number }[];
  /** Entries in the resulting list. */
  entries: number;
  /** listChecksum of the resulting lists. */
  checksum: string;
  /** Seconds an agent waits at least before it asks again. */
  minimumWait: number;
}

/** Keeps a signature on a manifest from ever being one on anything else the same key signs. */
const context = Buffer.from("samepage catalog manifest 1\0");

/** Bytes of an Ed25519 signature (RFC 8032). */
const signatureBytes = 64;

/** A manifest names at most base and 32 deltas, ~100 bytes each; more is refused unread. */
const largestManifest = 64 * 1024;

/** Signature, then the manifest as JSON. */
export function signManifest(manifest: CatalogManifest, key: KeyObject): Buffer {
  const body = Buffer.from(JSON.stringify(manifest));
  return Buffer.concat([sign(null, Buffer.concat([context, body]), key), body]);
}

/**
 * Verifies and reads a signed manifest.
 * @param keys public keys of the controller, old and new during a change
 * @throws CatalogError `manifest-signature` when none of the keys signed it, `manifest-malformed`,
 *   or `manifest-other-domain`
 */
export function verifyManifest(signed: Buffer, keys: readonly KeyObject[], domain: string): CatalogManifest {
  if (signed.length < signatureBytes + 2 || signed.length > largestManifest) {
    throw new CatalogError("manifest-malformed", `a manifest of ${signed.length} bytes`);
  }
  const signature = signed.subarray(0, signatureBytes);
  const body = signed.subarray(signatureBytes);
  const message = Buffer.concat([context, body]);
  if (!keys.some((key) => verify(null, message, key, signature))) {
    throw new CatalogError("manifest-signature", "no trusted key signed this manifest", { hint: "somebody tampers with the catalog, or the controller has a new key" });
  }
  const manifest = parse(body);
  if (manifest.domain !== domain) throw new CatalogError("manifest-other-domain", `a manifest of domain ${manifest.domain} where ${domain} was asked`);
  return manifest;
}

function parse(body: Buffer): CatalogManifest {
  try {
    const manifest: unknown = JSON.parse(body.toString("utf8"));
    if (isManifest(manifest)) return manifest;
  } catch (cause) {
    throw new CatalogError("manifest-malformed", "a signed manifest that is no JSON", { cause });
  }
  throw new CatalogError("manifest-malformed", "a signed manifest of another format", { hint: "update this host's agent" });
}

function isManifest(value: unknown): value is CatalogManifest {
  if (typeof value !== "object" || value === null) return false;
  const { format, domain, epoch, issuedAt, segments, entries, checksum, minimumWait } = value as Partial<Record<keyof CatalogManifest, unknown>>;
  const numbers = [epoch, issuedAt, entries, minimumWait];
  return (
    format === 1 &&
    typeof domain === "string" &&
    numbers.every((number) => Number.isSafeInteger(number) && Number(number) >= 0) &&
    typeof checksum === "string" &&
    Array.isArray(segments) &&
    segments.every(isSegmentEntry)
  );
}

function isSegmentEntry(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { name, bytes } = value as Partial<Record<string, unknown>>;
  // The name becomes a file name.
  return typeof name === "string" && /^[0-9a-f]{64}$/.test(name) && Number.isSafeInteger(bytes) && Number(bytes) >= 0;
}
