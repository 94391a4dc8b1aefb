import { experimental, type ServerCredentials } from "@grpc/grpc-js";
import type { KeyPair } from "../pki/authority-files.ts";

type CaListener = Parameters<experimental.CertificateProvider["addCaCertificateListener"]>[0];
type IdentityListener = Parameters<experimental.CertificateProvider["addIdentityCertificateListener"]>[0];

/**
 * Credentials that ask every client for a certificate, let those without one in (enrolment needs no more; the agents'
 * service refuses them itself) and can be changed while the server runs.
 */
export function createServerCredentials(server: KeyPair, authorities: string): { readonly credentials: ServerCredentials; readonly set: (server: KeyPair, authorities: string) => void } {
  const caListeners = new Set<CaListener>();
  const identityListeners = new Set<IdentityListener>();
  let current = toUpdates(server, authorities);
  const provider: experimental.CertificateProvider = {
    addCaCertificateListener: (listener) => {
      caListeners.add(listener);
      // Not at once: grpc-js only then begins to watch what it has asked for.
      process.nextTick(() => listener(current.ca));
    },
    removeCaCertificateListener: (listener) => caListeners.delete(listener),
    addIdentityCertificateListener: (listener) => {
      identityListeners.add(listener);
      process.nextTick(() => listener(current.identity));
    },
    removeIdentityCertificateListener: (listener) => identityListeners.delete(listener),
  };
  return {
    credentials: experimental.createCertificateProviderServerCredentials(provider, provider, false),
    set: (pair, trusted) => {
      current = toUpdates(pair, trusted);
      for (const listener of caListeners) listener(current.ca);
      for (const listener of identityListeners) listener(current.identity);
    },
  };
}

function toUpdates({ certificate, key }: KeyPair, authorities: string) {
  return { ca: { caCertificate: Buffer.from(authorities) }, identity: { certificate: Buffer.from(certificate), privateKey: Buffer.from(key) } };
}
