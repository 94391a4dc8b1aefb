import type { CatalogScope } from "./catalog-scope.ts";
import type { GuestMemory } from "./guest-memory.ts";
import type { Guest } from "./guest.ts";
import type { InodeGuard } from "./inode-guard.ts";
import type { GuardName, StrategyChoice } from "./strategy.ts";

/** What planning, unifying and deunifying take. Defaults are applied by the caller-facing functions. */
export interface UnifyOptions {
  readonly guests: readonly Guest[];
  /** Default `auto`. */
  readonly strategy?: StrategyChoice;
  /** Default: the strongest that the kernel and the guests' state allow. */
  readonly guard?: GuardName;
  /** The copy-on-write guard, where this host has one: unifying marks with it, deunifying and collecting garbage lift marks. */
  readonly cowGuard?: InodeGuard;
  /** What this process remembers from earlier passes over the same guests. Default: nothing; every pass walks, as does one with `catalog`. */
  readonly memory?: GuestMemory;
  /** Lines in vunify-exclude syntax, first match wins. Default: the built-in list. */
  readonly excludes?: readonly string[];
  /** Bytes; smaller files are left alone. Default 16, as in vunify. Range 1 … 2^53-1. */
  readonly minSize?: number;
  /** Two files may differ in mtime and still be unified (hard links take the canonical one's). Default false. */
  readonly ignoreMtime?: boolean;
  /** Limits the run to what each domain's templates have (scope `template`). Default: everything identical within a domain (scope `all`). */
  readonly catalog?: (domain: string) => CatalogScope;
  /** Where index, journal and exclude lists live. Default `/var/lib/samepage`. */
  readonly stateDir?: string;
  /** Epoch milliseconds; nothing is begun after it, and what is in hand ends within about a second. Default: none. */
  readonly deadline?: number;
  /** Upper bound of the read rate over all threads: for disks that guests fill by themselves. Bytes per second, from 1; default none. */
  readonly bytesPerSecond?: number;
  /**
   * The engine's threads give way to all others: those that read run when a processor is idle and, under an I/O scheduler
   * with classes, when the disk is; those that change guests run last. Default false; the command line and the agent say true.
   */
  readonly background?: boolean;
  /**
   * Threads that read work for a fraction of a millisecond at a time and rest for twice as long, so that a guest that wakes on
   * their processor waits no longer than that, and a disk's queue is mostly empty. A run takes three times as long. Default false;
   * the agent says true.
   */
  readonly paced?: boolean;
  /**
   * Share of time, in per cent, in which others wait for a disk (or anybody for memory) from which the run rests: see
   * `Pressure`. Range 1 … 100, where 100 never rests. Default 100; the command line and the agent say 25, about where a guest
   * that reads now and then begins to wait for more than its own reads.
   */
  readonly pressureLimit?: number;
  /** Threads at most. Default: one a core while data comes from the page cache, up to 16 while it comes from a disk; the agent says one for each four cores. Range 1 … 64. */
  readonly threads?: number;
  /**
   * Stops within 100 ms, leaving a consistent tree; only a write-back of the file system that has begun is waited for.
   * Displaced files that still waited for late writers stay in quarantine until the next run compares them once more.
   */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: UnifyProgress) => void;
}

/** What re-reading, collecting garbage and status take: the pools are those of the guests' file systems. */
export interface PoolOptions extends Pick<UnifyOptions, "guests" | "stateDir" | "deadline" | "signal" | "onProgress" | "cowGuard" | "background" | "paced" | "pressureLimit"> {
  /** Upper bound of the read rate of `verifyPool`. Bytes per second; default none. */
  readonly bytesPerSecond?: number;
}

/** Counters that only grow within a phase; totals are known once scanning is done. */
export interface UnifyProgress {
  readonly phase: "recover" | "scan" | "identify" | "plan" | "apply" | "report";
  readonly files: number;
  readonly filesTotal: number;
  readonly bytes: number;
  readonly bytesTotal: number;
}
