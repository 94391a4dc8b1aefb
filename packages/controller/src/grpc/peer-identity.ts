import { status, type ServerDuplexStream } from "@grpc/grpc-js";
import { hostOfNames } from "../pki/host-identity.ts";
import type { HostStore } from "../stores/host-store.ts";
import { refusal } from "./refusal.ts";

/** Who is at the other end, by its certificate and nothing else. */
export interface PeerIdentity {
  readonly host: string;
  /** Hex. */
  readonly serial: string;
}

/**
 * The member at the other end of a stream or a call.
 * @throws a gRPC error `UNAUTHENTICATED` or `PERMISSION_DENIED` with the reason.
 */
export async function identifyPeer(call: Pick<ServerDuplexStream<unknown, unknown>, "getAuthContext">, hosts: HostStore): Promise<PeerIdentity> {
  // Set only when TLS has verified the certificate: signed by an authority of ours, in its time, for a client.
  const certificate = call.getAuthContext().sslPeerCertificate;
  if (certificate === undefined) {
    throw refusal(status.UNAUTHENTICATED, "no valid client certificate: enrol first; one that has ended can be renewed by its key");
  }
  const host = hostOfNames(certificate.subjectaltname);
  if (host === undefined) throw refusal(status.UNAUTHENTICATED, "the certificate is not an agent's");
  const serial = certificate.serialNumber.toLowerCase();
  const record = await hosts.get(host);
  if (record === undefined) throw refusal(status.PERMISSION_DENIED, `${host} is not a member: enrol it with a new token`);
  if (record.revokedAt !== null) throw refusal(status.PERMISSION_DENIED, `${host} was revoked: enrol it with a new token`);
  if (serial !== record.serial && serial !== record.previousSerial) {
    throw refusal(status.PERMISSION_DENIED, `${host} has a newer certificate than this: a copy of the host, or an old backup?`);
  }
  return { host, serial };
}
