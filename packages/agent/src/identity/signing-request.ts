import "reflect-metadata";
import { PemConverter, Pkcs10CertificateRequestGenerator } from "@peculiar/x509";
import type { webcrypto } from "node:crypto";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

export interface SigningRequest {
  /** PEM (PKCS #8). */
  readonly key: string;
  /** DER. */
  readonly csr: Buffer;
}

/** A new key and the request for its certificate. The name in it is left out: the controller decides it. */
export async function newSigningRequest(): Promise<SigningRequest> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  return { key: PemConverter.encode(await crypto.subtle.exportKey("pkcs8", keys.privateKey), "PRIVATE KEY"), csr: await request(keys) };
}

/** A request signed by a key that exists (PEM): proves that it is still ours. */
export async function signingRequestFor(key: string): Promise<Buffer> {
  const [der] = PemConverter.decode(key);
  if (der === undefined) throw new TypeError("no private key in PEM");
  const privateKey = await crypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
  const { d: _secret, key_ops: _use, ...jwk } = await crypto.subtle.exportKey("jwk", privateKey);
  const publicKey = await crypto.subtle.importKey("jwk", jwk, algorithm, true, ["verify"]);
  return request({ privateKey, publicKey });
}

async function request(keys: webcrypto.CryptoKeyPair): Promise<Buffer> {
  const csr = await Pkcs10CertificateRequestGenerator.create({ name: "CN=samepage", keys, signingAlgorithm: algorithm });
  return Buffer.from(csr.rawData);
}
