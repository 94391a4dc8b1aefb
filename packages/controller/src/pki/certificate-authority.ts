import "reflect-metadata";
import { type webcrypto, X509Certificate as NodeCertificate } from "node:crypto";
import {
  BasicConstraintsExtension,
  type JsonGeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { identityUri } from "./host-identity.ts";
import { hashOfKey, issueCertificate, keyAlgorithm, keyOfRequest, newSerial, type Signer } from "./issue-certificate.ts";
import type { AuthorityFiles, KeyPair } from "./authority-files.ts";

/** Ten years: rotation is by the operator's decision, never by surprise. */
const authorityHours = 10 * 365 * 24;

/** Thirty days; a controller issues itself a new one at every start and at two thirds of its life, see authority-keeper. */
const serverCertificateHours = 30 * 24;

/** The name agents check a controller's certificate for: it stays the same whatever address they reach it by. */
const controllerServerName = "controller.samepage.internal";

export interface IssuedCertificate {
  readonly pem: string;
  /** Hex. */
  readonly serial: string;
  /** SHA-256 of the public key, hex: who the certificate is bound to. */
  readonly key: string;
  /** Epoch milliseconds. */
  readonly notAfter: number;
}

/** Signs agents and controllers. */
export interface CertificateAuthority {
  /** PEM of the certificate that signs now. */
  readonly certificate: string;
  /** PEM of every certificate that agents shall trust. */
  readonly authorities: string;
  /** `sha256:<hex>` of the signing certificate's public key. */
  readonly fingerprint: string;
  /** Whether one of the trusted authorities signed this, in its time or not. */
  hasSigned(certificate: NodeCertificate): boolean;
  /** A client certificate for a host; the request's (DER) own names are ignored. */
  issueHost(csr: Buffer, host: string, hours: number): Promise<IssuedCertificate>;
  /** A server certificate with a fresh key; its chain ends with the authority itself, so that a new agent can pin it. */
  issueServer(names: readonly string[]): Promise<KeyPair>;
}

/** The authority of these files; their first signer is made when there is none yet. */
export async function openCertificateAuthority(files: AuthorityFiles): Promise<CertificateAuthority> {
  const pair = await files.currentOr(createAuthority);
  const signer = await toSigner(pair);
  const others = await files.others();
  const trusted = [pair.certificate, ...others].map((pem) => new NodeCertificate(pem));
  return {
    certificate: pair.certificate,
    authorities: [pair.certificate, ...others].join("\n"),
    fingerprint: `sha256:${hashOfKey(signer.certificate.publicKey)}`,
    hasSigned: (certificate) => trusted.some((signer) => certificate.verify(signer.publicKey)),
    issueHost: async (csr, host, hours) => {
      const publicKey = await keyOfRequest(csr);
      const issued = await issueCertificate(signer, { publicKey, names: [{ type: "url", value: identityUri(host) }], usage: "client", hours });
      return { pem: issued.toString("pem"), serial: issued.serialNumber, key: hashOfKey(publicKey), notAfter: issued.notAfter.getTime() };
    },
    issueServer: async (names) => {
      const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
      const alternatives = [controllerServerName, ...names].map(toGeneralName);
      const issued = await issueCertificate(signer, { publicKey: keys.publicKey, names: alternatives, usage: "server", hours: serverCertificateHours });
      return { certificate: `${issued.toString("pem")}\n${pair.certificate}`, key: await exportKey(keys.privateKey) };
    },
  };
}

/** A new self-signed authority. */
export async function createAuthority(): Promise<KeyPair> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const now = Date.now();
  const serialNumber = newSerial();
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber,
    // Two authorities of one fleet must be told apart by name, or verification picks the wrong one.
    name: `CN=Samepage authority ${serialNumber.slice(0, 8)}`,
    notBefore: new Date(now - 24 * 3_600_000),
    notAfter: new Date(now + authorityHours * 3_600_000),
    signingAlgorithm: keyAlgorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: certificate.toString("pem"), key: await exportKey(keys.privateKey) };
}

async function toSigner(pair: KeyPair): Promise<Signer> {
  const [der] = PemConverter.decode(pair.key);
  if (der === undefined) throw new TypeError("no private key in PEM");
  return { certificate: new X509Certificate(pair.certificate), privateKey: await crypto.subtle.importKey("pkcs8", der, keyAlgorithm, false, ["sign"]) };
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await crypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

function toGeneralName(name: string): JsonGeneralNames[number] {
  return { type: /^[0-9.]+$|:/.test(name) ? "ip" : "dns", value: name };
}
