/** Stable codes of everything that can go wrong in the agent. */
export type AgentErrorCode =
  /** agent.yaml cannot be read, or says something unknown. */
  | "config"
  /** This host is no member and has no token to become one. */
  | "not-enrolled"
  /** The controller's authority is not the one that the fingerprint names: nothing was sent to it. */
  | "wrong-authority"
  /** The controller refused to enrol this host. */
  | "enrolment-refused"
  /** The controller does not answer. */
  | "unreachable"
  /** The state directory cannot be read or written. */
  | "state-dir"
  /** Guests cannot be looked for. */
  | "discovery"
  /** The controller's catalog does not accept this, or does not have it. */
  | "catalog-refused"
  /** Every file that was to be unified failed. */
  | "nothing-unified"
  /** A run was limited to templates, and the domain has none. */
  | "catalog-missing"
  /** A tree that is to be a template of one domain belongs to a guest of another. */
  | "other-domain"
  /** agent.yaml does not let operators put files back into this host's guests. */
  | "restore-off"
  /** No host that is online has a file that is to be restored. */
  | "no-copy"
  /** KSM was asked for guests of more than one trust domain: the kernel merges all that take part with each other. */
  | "ksm-domains"
  /** A guest outside the domain merges and cannot be put out: the others must not merge beside it. */
  | "ksm-intruder"
  /** Merging made the host worse, and the tuner backed off. */
  | "ksm-backed-off"
  /** A version of the agent that this host does not accept: not signed by its release key, older, or changed on the way. */
  | "release-refused"
  /** This agent cannot be replaced in place: it is not run by its service, or no release key is pinned. */
  | "upgrade-unsupported"
  /** The new version did not come back healthy, and the old one runs again. */
  | "upgrade-returned"
  /** The address for Prometheus cannot be listened on. */
  | "metrics-listen"
  | "internal";

/** Thrown by everything in this package; the message is one line that names what it is about. */
export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: AgentErrorCode;
  /** What to do about it. */
  readonly hint: string;
  /** The path, address or key concerned. */
  readonly target: string;

  constructor(code: AgentErrorCode, message: string, options: { readonly hint?: string; readonly target?: string; readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? "";
    this.target = options.target ?? "";
  }
}
