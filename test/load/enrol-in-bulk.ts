import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { newSigningRequest } from "@samepage/agent";
import { EnrolmentServiceClient, type EnrolResponse } from "@samepage/proto";
import type { LoadAgentsOptions } from "./load-agents-options.ts";

/** What the controller serves at once on one connection. */
const atOnce = 8;

/**
 * Makes hosts members by the protocol that agents enrol by, but over one connection for all of them: two TLS handshakes an
 * agent are saved. Each identity is then where its agent looks for it.
 * @param dir the parent of the agents' state directories
 * @param authorities PEM of the fleet's authorities
 */
export async function enrolInBulk(enrolments: LoadAgentsOptions["enrolments"], dir: string, authorities: string): Promise<void> {
  const [first] = enrolments;
  if (first === undefined) return;
  const name = "controller.samepage.internal";
  using client = closing(new EnrolmentServiceClient(first.controller, credentials.createSsl(Buffer.from(authorities)), { "grpc.ssl_target_name_override": name, "grpc.default_authority": name }));
  const waiting = [...enrolments];
  const work = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { host, token, controller } = next;
      const { key, csr } = await newSigningRequest();
      const { promise, resolve, reject } = Promise.withResolvers<EnrolResponse>();
      client.enrol({ token, host, csr }, (error: ServiceError | null, response) => (error === null ? resolve(response) : reject(error)));
      const identity = { host, controller, key, ...(await promise) };
      await mkdir(join(dir, host), { recursive: true, mode: 0o700 });
      await writeFile(join(dir, host, "identity.json"), JSON.stringify(identity), { mode: 0o600 });
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
}

function closing(client: EnrolmentServiceClient): EnrolmentServiceClient & Disposable {
  return Object.assign(client, { [Symbol.dispose]: () => client.close() });
}
