import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { EnrolmentServiceClient, type EnrolResponse, type RejoinResponse } from "@samepage/proto";
import { AgentError } from "../agent-error.ts";
import { messageOf } from "../thrown.ts";
import type { Identity } from "./identity-file.ts";
import { pinAuthority } from "./pin-authority.ts";
import { controllerServerName } from "./server-name.ts";
import { newSigningRequest, signingRequestFor } from "./signing-request.ts";

export interface EnrolmentRequest {
  /** `host:port`. */
  readonly controller: string;
  readonly host: string;
  /** Works once. */
  readonly token: string;
  /** `sha256:<hex>` of the controller's authority. */
  readonly fingerprint: string;
}

/** Milliseconds for an answer. */
const timeoutMs = 20_000;

/**
 * Makes this host a member. The token is sent only after the controller has proved to be the one that the fingerprint names.
 * @throws AgentError `wrong-authority`, `enrolment-refused` or `unreachable`.
 */
export async function enrol({ controller, host, token, fingerprint }: EnrolmentRequest): Promise<Identity> {
  const authority = await pinAuthority(controller, fingerprint);
  const { key, csr } = await newSigningRequest();
  const answer = await call<EnrolResponse>(controller, authority, (client, options, done) => client.enrol({ token, host, csr }, ...options, done));
  return { host, controller, key, ...answer };
}

/**
 * A new certificate for a member whose last one has ended: its key proves who asks.
 * @throws AgentError `enrolment-refused` or `unreachable`.
 */
export async function rejoin(identity: Identity): Promise<Identity> {
  const csr = await signingRequestFor(identity.key);
  const { certificate } = identity;
  const answer = await call<RejoinResponse>(identity.controller, identity.authorities, (client, options, done) => client.rejoin({ certificate, csr }, ...options, done));
  return { ...identity, ...answer };
}

type Done<Response> = (error: ServiceError | null, response: Response) => void;
type Options = [metadata: Metadata, options: { readonly deadline: number }];

async function call<Response>(controller: string, authorities: string, send: (client: EnrolmentServiceClient, options: Options, done: Done<Response>) => void): Promise<Response> {
  const client = new EnrolmentServiceClient(controller, credentials.createSsl(Buffer.from(authorities)), {
    "grpc.ssl_target_name_override": controllerServerName,
    "grpc.default_authority": controllerServerName,
    "grpc.enable_channelz": 0,
  });
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  send(client, [new Metadata(), { deadline: Date.now() + timeoutMs }], (error, response) => (error === null ? resolve(response) : reject(error)));
  try {
    return await promise;
  } catch (error) {
    throw toAgentError(error, controller);
  } finally {
    client.close();
  }
}

function toAgentError(error: unknown, controller: string): AgentError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const details = error instanceof Error && "details" in error && typeof error.details === "string" ? error.details : messageOf(error);
  if (code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED) {
    return new AgentError("unreachable", `the controller at ${controller} does not answer: ${details}`, { hint: "is it running, and is the address right?", target: controller, cause: error });
  }
  return new AgentError("enrolment-refused", `the controller at ${controller} refused: ${details}`, { hint: "create a new token: samepage token create", target: controller, cause: error });
}
