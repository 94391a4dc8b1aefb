import type { ErrorBody } from "@samepage/controller/api";

/** The controller refused or did not answer; the message is fit for the operator's eyes. */
export class RequestError extends Error {
  override readonly name = "RequestError";
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;

  constructor(status: number, message: string, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
}

/** Calls the API of the controller that served this page. */
export async function requestJson<T>(token: string, path: string, init: { readonly method?: "GET" | "POST" | "PATCH"; readonly body?: unknown; readonly signal?: AbortSignal } = {}): Promise<T> {
  const response = await open(token, path, init);
  const value: T = await response.json();
  return value;
}

/** The answer once its head says 2xx. */
export async function open(
  token: string,
  path: string,
  init: { readonly method?: string; readonly body?: unknown; readonly signal?: AbortSignal; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Response> {
  const headers: Record<string, string> = { authorization: `Bearer ${token}`, ...init.headers };
  if (init.body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method: init.method ?? "GET",
      headers,
      ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
  } catch (cause) {
    if (init.signal?.aborted) throw cause;
    throw new RequestError(0, "The controller does not answer. Is it running?", cause);
  }
  if (response.ok) return response;
  throw new RequestError(response.status, await reason(response));
}

async function reason(response: Response): Promise<string> {
  try {
    const { error }: ErrorBody = await response.json();
    return error.hint === "" ? error.message : `${error.message} (${error.hint})`;
  } catch {
    return `The controller answered ${response.status} without a reason.`;
  }
}
