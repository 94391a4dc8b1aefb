import { promisify } from "node:util";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { type GetReleaseResponse, type ReadReleaseFileResponse, ReleaseServiceClient } from "@samepage/proto";
import { AgentError } from "../agent-error.ts";
import type { Identity } from "../identity/identity-file.ts";
import { controllerServerName } from "../identity/server-name.ts";
import { messageOf } from "../thrown.ts";

/** The controller's release, on a connection of its own. */
export interface ReleaseCalls extends Disposable {
  /** @throws AgentError `unreachable` or `release-refused`. */
  get(): Promise<GetReleaseResponse>;
  /** Empty at the end of the file. @throws AgentError `unreachable` or `release-refused`. */
  read(name: string, offset: number): Promise<Buffer>;
}

/** Milliseconds without progress before a fetch fails; the rollout's retry begins it again. */
const callMs = 60_000;

export function openReleaseCalls({ controller, authorities, key, certificate }: Identity, signal: AbortSignal): ReleaseCalls {
  const client = new ReleaseServiceClient(controller, credentials.createSsl(Buffer.from(authorities), Buffer.from(key), Buffer.from(certificate)), {
    "grpc.ssl_target_name_override": controllerServerName,
    "grpc.default_authority": controllerServerName,
    "grpc.enable_channelz": 0,
  });
  const close = () => client.close();
  signal.addEventListener("abort", close, { once: true });
  const answer = async <Response>(start: (done: (error: ServiceError | null, response: Response) => void) => void): Promise<Response> => {
    signal.throwIfAborted();
    try {
      return await promisify(start)();
    } catch (error) {
      signal.throwIfAborted();
      const details = error instanceof Error && "details" in error ? String(error.details) : messageOf(error);
      throw new AgentError("release-refused", `the controller does not hand out its release: ${details}`, { hint: "see the controller's log; the rollout can be retried", cause: error });
    }
  };
  const options = () => ({ deadline: Date.now() + callMs });
  return {
    get: async () => answer<GetReleaseResponse>((done) => client.getRelease({}, new Metadata(), options(), done)),
    read: async (name, offset) => (await answer<ReadReleaseFileResponse>((done) => client.readReleaseFile({ name, offset: BigInt(offset) }, new Metadata(), options(), done))).content,
    [Symbol.dispose]: () => {
      signal.removeEventListener("abort", close);
      close();
    },
  };
}
