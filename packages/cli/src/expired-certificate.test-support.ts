import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { createServer, type Server } from "node:https";
import { once } from "node:events";
import { SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const dayMs = 86_400_000;

/** A certificate for 127.0.0.1 that ended yesterday, its own authority, as PEM. */
export async function expiredCertificate(): Promise<{ readonly certificate: string; readonly key: string }> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: "01",
      name: "CN=expired",
      notBefore: new Date(Date.now() - 2 * dayMs),
      notAfter: new Date(Date.now() - dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [new SubjectAlternativeNameExtension([{ type: "ip", value: "127.0.0.1" }])],
    },
  );
  const key = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  return { certificate: certificate.toString("pem"), key: `-----BEGIN PRIVATE KEY-----\n${key}\n-----END PRIVATE KEY-----\n` };
}

/** An HTTPS server with such a certificate. */
export async function serveExpired(pair: { readonly certificate: string; readonly key: string }): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer({ cert: pair.certificate, key: pair.key }, (_, response) => response.end("{}"));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return { server, url: `https://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}` };
}
