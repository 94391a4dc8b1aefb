/** The daemon's answer to `status`. Counters are since the hooks were attached, breaks and latency since it started. */
export interface GuardStatus {
  /** `copy`: copy on write; `deny`: in-place changes are refused, unlink and replace are free. */
  readonly mode: "copy" | "deny";
  readonly pid: number;
  /** It took over hooks and marks that were in the kernel already. */
  readonly adopted: boolean;
  readonly marks: number;
  /** Marks of file systems that are not mounted (yet). */
  readonly waitingMarks: number;
  /** Opens of a shared inode that could modify it, and metadata changes of one by path. */
  readonly opens: number;
  readonly metadata: number;
  /** EPERM given: by rule, since no daemon lived, since it did not answer in time. */
  readonly refused: { readonly rule: number; readonly unguarded: number; readonly timeout: number };
  /** Marks dropped in place because one link was left. */
  readonly unshared: number;
  /** Events that nobody waits for (a last link, a lock), lost because their guest sent too many; the next cause sends them again. */
  readonly notesDropped: number;
  readonly breaks: number;
  /** Breaks that copied no byte (FICLONE). */
  readonly cloned: number;
  readonly copiedBytes: number;
  readonly failed: number;
  /** Breaks that found the name changed by somebody else. */
  readonly overtaken: number;
  /** From the caller's entry into the hook to its answer. */
  readonly latencyMicroseconds: { readonly p50: number; readonly p90: number; readonly p99: number; readonly max: number };
}

/** A line of the journal of breaks. Numbers that may exceed 2^53 are decimal strings. */
export interface GuardEvent {
  readonly event: "break" | "unshared" | "locked";
  /** Epoch milliseconds. */
  readonly at: number;
  /** major:minor of the superblock (on btrfs not what stat says). */
  readonly device: string;
  readonly subvolume: string;
  readonly ino: string;
  readonly generation: number;
  /** Inode number of the directory. */
  readonly parent: string;
  /** One component; `\xHH` for bytes that are not printable ASCII, `\\` for a backslash. */
  readonly name: string;
  readonly pid: number;
  readonly command: string;
  /** With `break` only. */
  readonly kind?: "open" | "metadata";
  readonly newIno?: string;
  readonly bytes?: number;
  /** Bytes copied rather than cloned. */
  readonly copied?: number;
  readonly microseconds?: number;
  /** Breaks of other guests that were begun while this one waited. */
  readonly overtaken?: number;
  /** Name of the errno, or null when the link was broken. */
  readonly error?: string | null;
}
