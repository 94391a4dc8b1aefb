import type { Renewal as RenewalAnswer } from "@samepage/proto";
import type { Logger } from "pino";
import type { Identity } from "./identity-file.ts";
import { renewalTime } from "./renewal-time.ts";
import { newSigningRequest } from "./signing-request.ts";

/** Keeps this host's certificate young, and the authorities that it trusts up to date. */
export interface Renewal {
  /** Asks for a new certificate if it is time. */
  check(): void;
  answered(answer: RenewalAnswer): Promise<void>;
  /** The controller says which authorities (PEM) to trust from now on. */
  trust(authorities: string): Promise<void>;
}

export interface RenewalDeps {
  readonly identity: () => Identity;
  readonly replace: (identity: Identity) => Promise<void>;
  readonly request: (csr: Buffer) => Promise<void>;
  readonly logger: Logger;
}

export function createRenewal({ identity, replace, request, logger }: RenewalDeps): Renewal {
  let pendingKey: string | undefined;
  let dueAt = renewalTime(identity().certificate);
  let timer: NodeJS.Timeout | undefined;

  const ask = async () => {
    const { key, csr } = await newSigningRequest();
    pendingKey = key;
    await request(csr);
  };
  return {
    check: () => {
      clearTimeout(timer);
      const wait = dueAt - Date.now();
      if (wait <= 0) void ask().catch((error: unknown) => logger.warn({ err: error }, "the certificate could not be renewed; trying again later"));
      // Lives of hours: a timer is enough, and every connect checks again.
      else if (wait < 2_147_483_647) timer = setTimeout(() => void ask().catch((error: unknown) => logger.warn({ err: error }, "the certificate could not be renewed")), wait).unref();
    },
    answered: async ({ certificate, reason }) => {
      const key = pendingKey;
      pendingKey = undefined;
      if (certificate === "" || key === undefined) {
        logger.warn({ reason }, "the controller did not renew the certificate");
        return;
      }
      await replace({ ...identity(), key, certificate });
      dueAt = renewalTime(certificate);
      logger.info("certificate renewed");
    },
    trust: async (authorities) => {
      if (authorities === "" || authorities === identity().authorities) return;
      await replace({ ...identity(), authorities });
      logger.info("the controller's authorities have changed");
    },
  };
}
