import { X509Certificate } from "node:crypto";
import type { Logger } from "pino";
import type { AuthorityFiles, KeyPair } from "./authority-files.ts";
import { type CertificateAuthority, openCertificateAuthority } from "./certificate-authority.ts";

/** The authority and this controller's own certificate, always fresh. */
export interface AuthorityKeeper {
  readonly authority: CertificateAuthority;
  readonly server: KeyPair;
  /** Looks at the files and the certificate's age now. */
  check(): Promise<void>;
  close(): void;
}

/** Another controller may have rotated the authority: the files are looked at this often, milliseconds. */
const checkMs = 60_000;

/** A certificate is replaced once this part of its life is over. */
const renewAfter = 2 / 3;

/** @param changed called when the authority or the certificate has changed; not for the first ones. */
export async function keepAuthority(files: AuthorityFiles, names: readonly string[], changed: (keeper: AuthorityKeeper) => Promise<void>, logger: Logger): Promise<AuthorityKeeper> {
  let authority = await openCertificateAuthority(files);
  let server = await authority.issueServer(names);
  const check = async () => {
    const read = await openCertificateAuthority(files);
    const rotated = read.authorities !== authority.authorities;
    if (!rotated && !isOld(server.certificate, Date.now())) return;
    if (read.certificate !== authority.certificate || !rotated) server = await read.issueServer(names);
    authority = read;
    logger.info({ rotated }, rotated ? "the fleet's authorities have changed" : "this controller's certificate was renewed");
    await changed(keeper);
  };
  const timer = setInterval(() => void check().catch((error: unknown) => logger.error({ err: error }, "cannot look after the authority")), checkMs);
  const keeper: AuthorityKeeper = {
    get authority() {
      return authority;
    },
    get server() {
      return server;
    },
    check,
    close: () => clearInterval(timer),
  };
  return keeper;
}

function isOld(certificate: string, now: number): boolean {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  return now > validFromDate.getTime() + (validToDate.getTime() - validFromDate.getTime()) * renewAfter;
}
