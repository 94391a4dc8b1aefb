import type { ClientRequest, IncomingMessage } from "node:http";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { ControllerError, type ErrorBody } from "./controller-error.ts";

/** Where the controller is and who asks. */
export interface ApiTarget {
  /** `https://host:port`, or `unix:/path/to/socket` for a controller on this machine. */
  readonly url: string;
  /** The operator's token. */
  readonly token?: string;
  /** PEM of the controller's CA, for https. Default: the system's CAs. */
  readonly ca?: string;
}

export interface ApiRequest {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** A status besides 2xx whose body is an answer too. */
  readonly alsoStatus?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Milliseconds without an answer's head after which the controller counts as unreachable. */
const answerTimeoutMs = 30_000;

/** Sends a request and resolves with the answer's stream once its head says 2xx. */
export async function call(target: ApiTarget, request: ApiRequest): Promise<IncomingMessage> {
  const response = await send(target, request);
  const status = response.statusCode ?? 0;
  if ((status >= 200 && status < 300) || status === request.alsoStatus) return response;
  throw errorFromBody(await text(response), status, target.url);
}

/** The answer's JSON; null where it is empty (204). */
export async function callJson<T>(target: ApiTarget, request: ApiRequest): Promise<T> {
  const response = await call(target, request);
  const body = await text(response);
  try {
    const value: T = JSON.parse(body === "" ? "null" : body);
    return value;
  } catch (cause) {
    throw new ControllerError("unreachable", `${target.url}: the answer is not JSON`, { hint: "is this the controller's address?", target: target.url, cause });
  }
}

/** The answer as JSON lines, one value at a time. */
export async function* callLines<T>(target: ApiTarget, request: ApiRequest): AsyncGenerator<T> {
  const response = await call(target, request);
  try {
    for await (const line of createInterface({ input: response, crlfDelay: Infinity })) {
      if (line === "") continue;
      const value: T = JSON.parse(line);
      yield value;
    }
  } finally {
    response.destroy();
  }
}

async function send(target: ApiTarget, request: ApiRequest): Promise<IncomingMessage> {
  const body = request.body === undefined ? undefined : JSON.stringify(request.body);
  const headers = {
    accept: "application/json",
    ...(target.token === undefined ? {} : { authorization: `Bearer ${target.token}` }),
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...request.headers,
  };
  const options = { method: request.method, headers, timeout: answerTimeoutMs, ...(request.signal ? { signal: request.signal } : {}) };
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const outgoing = await open(target, request.path, options, resolve);
  outgoing.once("error", (cause) => reject(request.signal?.aborted ? cause : unreachable(target.url, cause)));
  outgoing.once("timeout", () => outgoing.destroy(new Error(`no answer for ${answerTimeoutMs / 1000} s`)));
  outgoing.end(body);
  const response = await promise;
  // Streams of events may be silent for long.
  response.socket.setTimeout(0);
  return response;
}

async function open(target: ApiTarget, path: string, options: object, onResponse: (response: IncomingMessage) => void): Promise<ClientRequest> {
  // Loaded by the first call: a command that only names this package's types and lists starts without HTTP.
  if (target.url.startsWith("unix:")) return (await import("node:http")).request({ socketPath: target.url.slice("unix:".length), path, ...options }, onResponse);
  let url: URL;
  try {
    url = new URL(path, target.url);
  } catch (cause) {
    throw new ControllerError("invalid", `not a controller's address: ${target.url}`, { hint: "https://host:port or unix:/path", target: target.url, cause });
  }
  if (url.protocol !== "https:") {
    throw new ControllerError("invalid", `${target.url}: only https:// and unix: are spoken, so that a token is never sent in clear`, { target: target.url });
  }
  return (await import("node:https")).request(url, { ...options, ...(target.ca === undefined ? {} : { ca: target.ca }) }, onResponse);
}

function unreachable(url: string, cause: Error): ControllerError {
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  if (code === "CERT_HAS_EXPIRED") {
    return new ControllerError("unreachable", `the certificate of the controller at ${url} has expired`, { hint: "start that controller again, it makes a new one; and compare both clocks", target: url, cause });
  }
  const certificate = code.includes("CERT") || code.includes("SELF_SIGNED") || code.includes("UNABLE_TO_");
  const hint = certificate ? "give the controller's CA (its ca.pem)" : "is the controller running, and is this its address?";
  return new ControllerError("unreachable", `the controller at ${url} does not answer: ${cause.message || code}`, { hint, target: url, cause });
}

function errorFromBody(body: string, status: number, url: string): ControllerError {
  try {
    const answer: ErrorBody = JSON.parse(body);
    const { code, message, hint, target } = answer.error;
    return new ControllerError(code, message, { hint, target });
  } catch (cause) {
    return new ControllerError("unreachable", `${url} answered ${status} without a reason`, { hint: "is this the controller's address?", target: url, cause });
  }
}
