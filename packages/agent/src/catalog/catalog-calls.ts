import { setTimeout as sleep } from "node:timers/promises";
import { credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import {
  type BeginUploadResponse,
  CatalogServiceClient,
  type EndUploadResponse,
  type GetCatalogResponse,
  type PutContentRequest,
  type PutContentResponse,
  type PutFrameResponse,
  type PutUncoveredRequest,
  type PutUncoveredResponse,
  type ReadContentResponse,
  type ReadSegmentResponse,
  type ReadTemplateResponse,
  type ReportCatalogRequest,
  type ReportCatalogResponse,
  type WantContentRequest,
  type WantContentResponse,
} from "@samepage/proto";
import { AgentError } from "../agent-error.ts";
import type { Identity } from "../identity/identity-file.ts";
import { controllerServerName } from "../identity/server-name.ts";
import type { Connection } from "../stream/open-stream.ts";

/** The controller's catalog service. Calls are repeated while the controller does not answer, until the signal aborts. */
export interface CatalogCalls extends Disposable {
  beginUpload(jobId: string): Promise<BeginUploadResponse>;
  putFrame(jobId: string, index: number, frame: Buffer): Promise<PutFrameResponse>;
  endUpload(jobId: string, manifest: Buffer): Promise<EndUploadResponse>;
  readTemplate(template: string, version: string, part: number): Promise<ReadTemplateResponse>;
  getCatalog(domain: string): Promise<GetCatalogResponse>;
  readSegment(domain: string, name: string, part: number): Promise<ReadSegmentResponse>;
  reportCatalog(report: ReportCatalogRequest): Promise<ReportCatalogResponse>;
  wantContent(wanted: WantContentRequest): Promise<WantContentResponse>;
  readContent(relay: string, part: number): Promise<ReadContentResponse>;
  putContent(sent: PutContentRequest): Promise<PutContentResponse>;
  putUncovered(files: PutUncoveredRequest): Promise<PutUncoveredResponse>;
}

/** A part of a manifest with room. */
const receiveLimit = 2 * 1024 * 1024;

/** Milliseconds for one call; frames are below 1 MiB. */
const callMs = 60_000;

/** Tries of one call before the job fails; with the delays below, about two minutes. */
const attempts = 8;

/** Milliseconds before the next try, at random below this doubled each time: many agents must not come back at once. */
const firstDelayMs = 1000;

/**
 * @param shared the connection of the agent's stream while there is one: a question on it costs a hundredth of a new
 * connection, and ten thousand agents ask all the time. What is large has a connection of its own, so that it never
 * stands before a command.
 */
export function openCatalogCalls({ controller, authorities, key, certificate }: Identity, signal: AbortSignal, shared: () => Connection | undefined): CatalogCalls {
  const tls = credentials.createSsl(Buffer.from(authorities), Buffer.from(key), Buffer.from(certificate));
  // Connects at the first call.
  const client = new CatalogServiceClient(controller, tls, {
    "grpc.ssl_target_name_override": controllerServerName,
    "grpc.default_authority": controllerServerName,
    "grpc.max_receive_message_length": receiveLimit,
    "grpc.enable_retries": 0,
    "grpc.enable_channelz": 0,
  });
  const call = async <Response>(start: Start<Response>): Promise<Response> => {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        return await once(start, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!isAway(error) || attempt === attempts) throw toAgentError(error);
        await sleep(Math.random() * firstDelayMs * 2 ** attempt, undefined, { signal });
      }
    }
  };
  const ask = async <Response>(start: (client: CatalogServiceClient) => Start<Response>): Promise<Response> => {
    const channelOverride = shared();
    if (channelOverride !== undefined) {
      try {
        return await once(start(new CatalogServiceClient(controller, tls, { channelOverride })), signal);
      } catch {
        // The stream has just ended, or its certificate is older than the one before this: a new connection decides.
        signal.throwIfAborted();
      }
    }
    return call(start(client));
  };
  return {
    beginUpload: async (jobId) => call((...answer) => client.beginUpload({ jobId }, ...answer)),
    putFrame: async (jobId, index, frame) => call((...answer) => client.putFrame({ jobId, index, frame }, ...answer)),
    endUpload: async (jobId, manifest) => call((...answer) => client.endUpload({ jobId, manifest }, ...answer)),
    readTemplate: async (template, version, part) => call((...answer) => client.readTemplate({ template, version, part }, ...answer)),
    getCatalog: async (domain) => ask((via) => (...answer) => via.getCatalog({ domain }, ...answer)),
    readSegment: async (domain, name, part) => call((...answer) => client.readSegment({ domain, name, part }, ...answer)),
    reportCatalog: async (report) => ask((via) => (...answer) => via.reportCatalog(report, ...answer)),
    wantContent: async (wanted) => call((...answer) => client.wantContent(wanted, ...answer)),
    readContent: async (relay, part) => call((...answer) => client.readContent({ relay, part }, ...answer)),
    putContent: async (sent) => call((...answer) => client.putContent(sent, ...answer)),
    putUncovered: async (files) => call((...answer) => client.putUncovered(files, ...answer)),
    [Symbol.dispose]: () => client.close(),
  };
}

/** Starts one call; the answer comes to the callback. */
type Start<Response> = (metadata: Metadata, options: { deadline: number }, callback: (error: ServiceError | null, response: Response) => void) => { cancel(): void };

async function once<Response>(start: Start<Response>, signal: AbortSignal): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  const running = start(new Metadata(), { deadline: Date.now() + callMs }, (error, response) => (error === null ? resolve(response) : reject(error)));
  const cancel = () => running.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

function isAway(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === status.UNAVAILABLE || error.code === status.DEADLINE_EXCEEDED);
}

function toAgentError(error: unknown): AgentError {
  const details = error instanceof Error && "details" in error && typeof error.details === "string" ? error.details : String(error);
  if (isAway(error)) return new AgentError("unreachable", `the controller does not answer: ${details}`, { hint: "the next run goes on where this one stopped", cause: error });
  return new AgentError("catalog-refused", `the controller refuses: ${details}`, { hint: "see the controller's log, and samepage template ls", cause: error });
}
