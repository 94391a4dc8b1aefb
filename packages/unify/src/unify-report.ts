import type { SkipReason } from "./skip-reason.ts";
import type { ChosenStrategy } from "./strategy.ts";

/** What one run did, or (for a dry run) would do. Printed as is by `samepage local plan|unify --json`. */
export interface UnifyReport extends Pick<ChosenStrategy, "strategy" | "guard"> {
  /** True for `local plan`: nothing was changed and `reclaimed` is the prediction. */
  readonly dryRun: boolean;
  readonly fileSystems: readonly (ChosenStrategy & { readonly mount: string; readonly type: string })[];
  readonly files: {
    readonly scanned: number;
    /** Names that this run looked at; fewer than `scanned` where a resident process knows which changed. */
    readonly visited: number;
    readonly eligible: number;
    readonly unified: number;
    readonly skipped: Readonly<Partial<Record<SkipReason, number>>>;
  };
  readonly bytes: {
    readonly read: number;
    readonly hashed: number;
    readonly compared: number;
    /** Sum of the sizes of all names in scope. */
    readonly logical: number;
    /** Freed on disk, from st_blocks and link counts or shared extents; a shared inode frees nothing until its last name goes. */
    readonly reclaimed: number;
  };
  /** Bytes; measured by cachestat after the run. `shared`: cached pages of inodes that several guests use; `saved`: what private copies of the same cached pages would have cost besides. */
  readonly pageCache: { readonly shared: number; readonly saved: number };
  readonly guests: readonly {
    readonly name: string;
    readonly files: number;
    readonly unified: number;
    readonly reclaimed: number;
  }[];
  /** Processes that still map an inode that was replaced: memory is saved once they restart. */
  readonly stillMapping: readonly { readonly pid: number; readonly command: string; readonly guest: string; readonly files: number }[];
  /** Names are escaped reversibly: `\xHH` for bytes that are not printable UTF-8, `\\` for a backslash. */
  readonly failures: readonly { readonly guest: string; readonly path: string; readonly code: string; readonly message: string }[];
  /** Set when the run stopped before its end; the next run goes on from there. */
  readonly stopped?: "deadline" | "cancelled";
  readonly elapsedMs: number;
}
