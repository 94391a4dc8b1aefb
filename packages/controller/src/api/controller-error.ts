/** Stable codes of everything that can go wrong in the controller or while speaking with it. */
export type ControllerErrorCode =
  /** The request does not say something that can be done; nothing was changed. */
  | "invalid"
  /** No token, an unknown one or an expired one. */
  | "unauthenticated"
  /** The token's role is too low. */
  | "forbidden"
  | "not-found"
  /** It exists already, or its state does not allow this now. */
  | "conflict"
  /** The controller does not answer, or its address or CA is wrong. */
  | "unreachable"
  /** Redis does not answer. */
  | "redis-unreachable"
  /** Redis answers but is not fit to keep the fleet's state. */
  | "redis-unfit"
  /** A file in the state directory cannot be read or written. */
  | "state-dir"
  /** The address to listen on is taken or not ours. */
  | "listen"
  /** Too much at once: try again later. */
  | "overloaded"
  | "internal";

/** Thrown by everything in this package; the message is one line that names what it is about. */
export class ControllerError extends Error {
  override readonly name = "ControllerError";
  readonly code: ControllerErrorCode;
  /** What to do about it. */
  readonly hint: string;
  /** The path, host, rollout or address concerned. */
  readonly target: string;

  constructor(code: ControllerErrorCode, message: string, options: { readonly hint?: string; readonly target?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? "";
    this.target = options.target ?? "";
  }

  /** Any thrown value as a ControllerError; what is not one becomes `internal`. */
  static from(error: unknown): ControllerError {
    if (error instanceof ControllerError) return error;
    return new ControllerError("internal", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The body of every answer that is not 2xx. */
export interface ErrorBody {
  readonly error: { readonly code: ControllerErrorCode; readonly message: string; readonly hint: string; readonly target: string };
}
