/** Stable codes of everything that package ksm refuses or fails at. */
export type KsmErrorCode =
  /** The kernel has no KSM at all. */
  | "KSM_ABSENT"
  /** This kernel lacks the knob or the feature. */
  | "KSM_UNSUPPORTED"
  /** A knob's value is outside what the kernel takes. */
  | "KSM_RANGE"
  /** The kernel takes this change only while nothing is merged. */
  | "KSM_BUSY"
  /** Two wanted values exclude each other. */
  | "KSM_CONFLICT"
  /** Not root, or without the capability. */
  | "KSM_PERMISSION"
  /** Another tuner is at work on the same knobs. */
  | "KSM_FOREIGN_TUNER"
  /** Un-merging now could exhaust memory. */
  | "KSM_UNSAFE"
  /** The kernel gave up un-merging. */
  | "KSM_UNMERGE_FAILED"
  /** Reading, writing or reading back a file failed. */
  | "KSM_IO"
  /** Another samepage process is changing KSM. */
  | "KSM_LOCKED"
  /** The recorded state cannot be read. */
  | "KSM_STATE"
  /** No such guest or process. */
  | "KSM_NO_GUEST"
  /** One of the native helpers is missing or misbehaved. */
  | "KSM_HELPER";

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
