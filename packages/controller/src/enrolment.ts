import { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import { ControllerError } from "./api/controller-error.ts";
import type { CertificateAuthority, IssuedCertificate } from "./pki/certificate-authority.ts";
import { hostOfNames, isHostName } from "./pki/host-identity.ts";
import { hashOfKey, keyOfRequest } from "./pki/issue-certificate.ts";
import type { AuditLog } from "./stores/audit-log.ts";
import type { HostStore } from "./stores/host-store.ts";
import type { RefusedToken, TokenStore } from "./stores/token-store.ts";

interface Membership {
  /** PEM. */
  readonly certificate: string;
  /** PEM, one or more. */
  readonly authorities: string;
}

/** How hosts become and stay members. */
export interface Enrolment {
  /** Spends a single-use token. The name must be free: nobody takes over a member by its name. */
  enrol(token: string, host: string, csr: Buffer): Promise<Membership>;
  /** For a host whose certificate has ended: the key that it was issued for asks again. */
  rejoin(certificate: string, csr: Buffer): Promise<Membership>;
  /** A member's next certificate; any key. */
  renew(host: string, csr: Buffer): Promise<IssuedCertificate>;
}

export interface EnrolmentDeps {
  readonly tokens: TokenStore;
  readonly hosts: HostStore;
  readonly audit: AuditLog;
  readonly authority: () => CertificateAuthority;
  readonly certificateHours: number;
  readonly logger: Logger;
}

const tokenRefusals: Record<RefusedToken["refused"], string> = {
  unknown: "the token is not known",
  expired: "the token has expired",
  used: "the token was used already; each works once",
  "other-host": "the token is for another host name",
};

export function createEnrolment({ tokens, hosts, audit, authority, certificateHours, logger }: EnrolmentDeps): Enrolment {
  return {
    enrol: async (token, host, csr) => {
      if (!isHostName(host)) {
        throw new ControllerError("invalid", "not a host name: letters, digits, dots, dashes and underscores, up to 253", { target: host.slice(0, 253) });
      }
      // Everything that can be wrong with the request itself comes before the token is spent.
      await keyOfRequest(csr);
      const spent = await tokens.spend(token, host, Date.now());
      if ("refused" in spent) {
        await audit.append({ actor: `host:${host}`, action: "host.enrol-refused", target: host, detail: { reason: spent.refused } });
        throw new ControllerError("unauthenticated", tokenRefusals[spent.refused], { target: host });
      }
      const issued = await authority().issueHost(csr, host, certificateHours);
      if (!(await hosts.claim(host, spent.labels, issued, Date.now()))) {
        await tokens.restore(token);
        await audit.append({ actor: `host:${host}`, action: "host.enrol-refused", target: host, detail: { reason: "name taken", token: spent.id } });
        throw new ControllerError("conflict", `${host} is a member already; revoke it first, or take another name`, { target: host });
      }
      await audit.append({ actor: `host:${host}`, action: "host.enrol", target: host, detail: { token: spent.id, serial: issued.serial } });
      logger.info({ host }, "host enrolled");
      return { certificate: issued.pem, authorities: authority().authorities };
    },
    rejoin: async (certificate, csr) => {
      const { host, key, serial } = readOwn(certificate, authority());
      const record = await hosts.get(host);
      if (record === undefined || record.revokedAt !== null || (record.serial !== serial && record.previousSerial !== serial)) {
        throw new ControllerError("forbidden", `${host} is no member with this certificate: enrol it with a new token`, { target: host });
      }
      if (hashOfKey(await keyOfRequest(csr)) !== key) throw new ControllerError("forbidden", "the request is not signed by the certificate's key", { target: host });
      const issued = await authority().issueHost(csr, host, certificateHours);
      await hosts.setCertificate(host, issued);
      await audit.append({ actor: `host:${host}`, action: "host.rejoin", target: host, detail: { serial: issued.serial } });
      logger.info({ host }, "host rejoined by its key");
      return { certificate: issued.pem, authorities: authority().authorities };
    },
    renew: async (host, csr) => {
      const issued = await authority().issueHost(csr, host, certificateHours);
      await hosts.setCertificate(host, issued);
      return issued;
    },
  };
}

/** Reads a certificate that one of our authorities signed, ended or not. */
function readOwn(pem: string, authority: CertificateAuthority): { host: string; key: string; serial: string } {
  const unknown = new ControllerError("forbidden", "the certificate is not one of this fleet's");
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(pem);
  } catch (cause) {
    throw new ControllerError("invalid", "the certificate cannot be read", { cause });
  }
  if (!authority.hasSigned(certificate)) throw unknown;
  const host = hostOfNames(certificate.subjectAltName);
  if (host === undefined) throw unknown;
  return { host, key: hashOfKey(certificate.publicKey.export({ type: "spki", format: "der" })), serial: certificate.serialNumber.toLowerCase() };
}
