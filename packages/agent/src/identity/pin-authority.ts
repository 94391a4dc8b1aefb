import { createHash, X509Certificate } from "node:crypto";
import { connect, type DetailedPeerCertificate } from "node:tls";
import { AgentError } from "../agent-error.ts";
import { messageOf } from "../thrown.ts";
import { controllerServerName } from "./server-name.ts";

/** Milliseconds for a TLS handshake. */
const timeoutMs = 10_000;

/**
 * The PEM of the authority that a controller presents, if its public key has the fingerprint (`sha256:<hex>`). Nothing is
 * sent besides the handshake; the caller then connects again, trusting this authority only.
 * @throws AgentError `wrong-authority`, or `unreachable`.
 */
export async function pinAuthority(controller: string, fingerprint: string): Promise<string> {
  const match = /^(?:sha256:)?(?<hex>[0-9a-f]{64})$/iu.exec(fingerprint.trim());
  const wanted = match?.groups?.["hex"]?.toLowerCase();
  if (wanted === undefined) throw new AgentError("config", "not a CA fingerprint: sha256: and 64 hex digits", { hint: "token create prints it" });
  const chain = await presentedChain(controller);
  const found = chain.find((certificate) => createHash("sha256").update(certificate.publicKey.export({ type: "spki", format: "der" })).digest("hex") === wanted);
  if (found === undefined) {
    throw new AgentError("wrong-authority", `the controller at ${controller} has another authority than the fingerprint says; the token was not sent`, {
      hint: "compare the fingerprint with what token create printed; someone may be in between",
      target: controller,
    });
  }
  return found.toString();
}

async function presentedChain(controller: string): Promise<readonly X509Certificate[]> {
  const colon = controller.lastIndexOf(":");
  const host = controller.slice(0, colon).replaceAll(/^\[|\]$/gu, "");
  const { promise, resolve, reject } = Promise.withResolvers<readonly X509Certificate[]>();
  // Not verified yet: that is what the fingerprint is for.
  const socket = connect({ host, port: Number(controller.slice(colon + 1)), servername: controllerServerName, ALPNProtocols: ["h2"], rejectUnauthorized: false });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer for ${timeoutMs / 1000} s`)));
  socket.once("secureConnect", () => resolve(toChain(socket.getPeerCertificate(true))));
  socket.once("error", (cause) => {
    reject(new AgentError("unreachable", `the controller at ${controller} does not answer: ${messageOf(cause)}`, { hint: "is it running, and is the address right?", target: controller, cause }));
  });
  try {
    return await promise;
  } finally {
    socket.destroy();
  }
}

function toChain(leaf: DetailedPeerCertificate): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  // The last one is its own issuer.
  for (let certificate = leaf; chain.length < 10; certificate = certificate.issuerCertificate) {
    if (certificate?.raw === undefined) break;
    chain.push(new X509Certificate(certificate.raw));
    if (certificate.issuerCertificate === certificate) break;
  }
  return chain;
}
