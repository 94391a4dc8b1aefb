import type { UnifyReport } from "./unify-report.ts";

type Failures = UnifyReport["failures"];

/** What giving private copies back did. */
export interface DeunifyReport {
  readonly files: {
    readonly scanned: number;
    /** Names that now have a private inode (or share one only with the names they shared it with before unification). */
    readonly deunified: number;
    /** Names whose inode lies in a pool still, by a fresh look at the end; 0 is the proof that all is private again. */
    readonly stillShared: number;
    readonly skipped: UnifyReport["files"]["skipped"];
  };
  /** `copied`: content written; `taken`: growth on disk, from st_blocks. */
  readonly bytes: { readonly copied: number; readonly taken: number };
  readonly guests: readonly { readonly name: string; readonly files: number; readonly deunified: number }[];
  readonly failures: Failures;
  readonly stopped?: "deadline" | "cancelled";
  readonly elapsedMs: number;
}

/** What re-reading the pool's objects against their digests found. */
export interface VerifyReport {
  readonly pools: readonly {
    readonly path: string;
    readonly objects: number;
    readonly bytes: number;
    /** Objects whose content is not what their name says: bit rot, or an unguarded write. */
    readonly damaged: readonly { readonly object: string; readonly expected: string; readonly found: string; readonly names: number }[];
  }[];
  readonly failures: Failures;
  readonly stopped?: "deadline" | "cancelled";
  readonly elapsedMs: number;
}

/** How things stand; nothing is changed. */
export interface StatusReport {
  readonly pools: readonly {
    readonly path: string;
    readonly mount: string;
    readonly type: string;
    readonly objects: number;
    /** Bytes on disk of all objects. */
    readonly bytes: number;
    /** Objects that no guest uses any more, and the bytes `gc` would free. */
    readonly garbage: { readonly objects: number; readonly bytes: number };
    /** Displaced files that an interrupted run left in quarantine; the next `unify` settles them. */
    readonly pending: number;
  }[];
  readonly guests: readonly {
    readonly name: string;
    readonly files: number;
    /** Names whose inode lies in a pool. */
    readonly shared: number;
    /** Bytes on disk if the guest were alone, and its share now: a shared inode counts by its names. */
    readonly bytes: { readonly alone: number; readonly now: number };
  }[];
  readonly pageCache: UnifyReport["pageCache"];
  readonly failures: Failures;
  readonly elapsedMs: number;
}

/** What collecting unused pool objects freed. */
export interface GarbageReport {
  readonly pools: readonly { readonly path: string; readonly objects: number; readonly removed: number; readonly freed: number }[];
  readonly failures: Failures;
  readonly stopped?: "deadline" | "cancelled";
  readonly elapsedMs: number;
}
