import "reflect-metadata";
import { createHash, randomBytes, type webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { ControllerError } from "../api/controller-error.ts";

/** P-256 with SHA-256: what every TLS library speaks, and 3 times cheaper per handshake than RSA-2048. */
export const keyAlgorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** Certificates begin this long before they are made, so that a clock that lags a little accepts them. */
const backdateMs = 10 * 60_000;

export interface Signer {
  readonly certificate: X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

export interface CertificateSubject {
  readonly publicKey: PublicKey | webcrypto.CryptoKey;
  readonly names: JsonGeneralNames;
  readonly usage: "client" | "server";
  readonly hours: number;
}

/** A leaf certificate, signed by the authority. */
export async function issueCertificate(signer: Signer, subject: CertificateSubject): Promise<X509Certificate> {
  const now = Date.now();
  // Never outlives its issuer: such a certificate would be refused with a confusing reason.
  const notAfter = Math.min(now + subject.hours * 3_600_000, signer.certificate.notAfter.getTime());
  return X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: "CN=samepage",
    issuer: signer.certificate.subject,
    notBefore: new Date(now - backdateMs),
    notAfter: new Date(notAfter),
    signingAlgorithm: keyAlgorithm,
    publicKey: subject.publicKey,
    signingKey: signer.privateKey,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([subject.usage === "client" ? ExtendedKeyUsage.clientAuth : ExtendedKeyUsage.serverAuth], true),
      new SubjectAlternativeNameExtension(subject.names, true),
      await SubjectKeyIdentifierExtension.create(subject.publicKey),
      await AuthorityKeyIdentifierExtension.create(signer.certificate.publicKey),
    ],
  });
}

/** The public key of a signing request (DER) whose signature proves that the sender has the private one. */
export async function keyOfRequest(csr: Buffer): Promise<PublicKey> {
  let request: Pkcs10CertificateRequest;
  try {
    request = new Pkcs10CertificateRequest(new Uint8Array(csr));
  } catch (cause) {
    throw new ControllerError("invalid", "the signing request cannot be read", { cause });
  }
  const { algorithm } = request.publicKey;
  if (algorithm.name !== "ECDSA" || !("namedCurve" in algorithm) || algorithm.namedCurve !== "P-256") {
    throw new ControllerError("invalid", "the signing request's key is not ECDSA P-256");
  }
  if (!(await request.verify().catch(() => false))) throw new ControllerError("invalid", "the signing request is not signed by its own key");
  return request.publicKey;
}

/** SHA-256 of a public key (SPKI DER), hex: who a certificate is bound to. */
export function hashOfKey(key: PublicKey | Buffer): string {
  return createHash("sha256").update(Buffer.isBuffer(key) ? key : new Uint8Array(key.rawData)).digest("hex");
}

/** 16 random bytes, positive, as RFC 5280 4.1.2.2 wants. */
export function newSerial(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f | 0x40;
  return bytes.toString("hex");
}
