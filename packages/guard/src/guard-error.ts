/** What went wrong, for programs: stable, one per kind of remedy. */
export type GuardErrorCode =
  | "unavailable"
  | "not-running"
  | "busy"
  | "not-enforced"
  | "unsupported-file-system"
  | "not-mounted"
  | "unknown-device"
  | "too-many-marks"
  | "protocol"
  | "cancelled";

/** The one error this package throws: names the inode, socket or file concerned, and what to do about it. */
export class GuardError extends Error {
  override readonly name = "GuardError";
  readonly code: GuardErrorCode;
  /** The socket, program or inode (`inode 123`) concerned. */
  readonly subject: string;
  /** One sentence: what the operator can do. */
  readonly hint: string;

  constructor(code: GuardErrorCode, subject: string, message: string, hint: string, options?: ErrorOptions) {
    super(`${subject}: ${message}`, options);
    this.code = code;
    this.subject = subject;
    this.hint = hint;
  }
}
