import { constants } from "node:crypto";
import { ServerCredentials } from "@grpc/grpc-js";
import type { KeyPair } from "../pki/authority-files.ts";

/**
 * Key agreement, best first. Not the hybrids with ML-KEM, which OpenSSL would prefer: of each it keeps the peer's public
 * key of 6 kB for as long as the connection lives.
 */
const groups = "X25519:P-256";

/**
 * Credentials that ask every client for a certificate, let those without one in (enrolment needs no more; the agents'
 * service refuses them itself) and can be changed while the server runs.
 */
export class AgentPortCredentials extends ServerCredentials {
  constructor(server: KeyPair, authorities: string) {
    super({ requestCert: true, rejectUnauthorized: false }, toContext(server, authorities));
  }

  /** New connections see these from now on. */
  set(server: KeyPair, authorities: string): void {
    this.updateSecureContextOptions(toContext(server, authorities));
  }

  /** grpc-js asks when one port is bound twice; each server has credentials of its own. */
  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function toContext({ certificate, key }: KeyPair, authorities: string) {
  // No tickets: an agent connects once and stays, so a copy of each session would only lie about.
  return { ca: authorities, cert: certificate, key, ecdhCurve: groups, secureOptions: constants.SSL_OP_NO_TICKET };
}
