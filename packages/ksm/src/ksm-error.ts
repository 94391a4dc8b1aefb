/** Stable codes of everything that package ksm refuses or fails at. */
export type KsmErrorCode =
  /** The kernel has no KSM at all. */
  | "no-ksm"
  /** This kernel lacks the knob or the feature. */
  | "unsupported"
  /** A knob's value is outside what the kernel takes. */
  | "out-of-range"
  /** The kernel takes this change only while nothing is merged. */
  | "busy"
  /** Two wanted values exclude each other. */
  | "conflict"
  /** Not root, or without the capability. */
  | "no-permission"
  /** Another tuner is at work on the same knobs. */
  | "other-tuner"
  /** Un-merging now could exhaust memory. */
  | "no-room"
  /** The kernel gave up un-merging. */
  | "unmerge-failed"
  /** Reading, writing or reading back a file failed. */
  | "io"
  /** Another samepage process is changing KSM. */
  | "locked"
  /** The recorded state cannot be read. */
  | "bad-state"
  /** No such guest or process. */
  | "no-guest"
  /** One of the native helpers is missing or misbehaved. */
  | "helper";

/** The one error class of package ksm: what happened, to what, and what to do about it. */
export class KsmError extends Error {
  override readonly name = "KsmError";
  readonly code: KsmErrorCode;
  /** The knob, file, process or guest concerned. */
  readonly subject: string;
  /** What the operator can do, one sentence. */
  readonly hint: string;

  constructor(code: KsmErrorCode, subject: string, problem: string, hint: string, cause?: unknown) {
    super(`${subject}: ${problem}`, cause === undefined ? undefined : { cause });
    this.code = code;
    this.subject = subject;
    this.hint = hint;
  }
}
