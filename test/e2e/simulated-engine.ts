import { setTimeout as sleep } from "node:timers/promises";
import type { Engine } from "@samepage/agent";
import { UnifyError, type UnifyReport } from "@samepage/unify";

export interface SimulatedWork {
  /** How long a job takes, milliseconds. Default 20. */
  readonly milliseconds?: number;
  /** Fails with this code instead of succeeding. */
  readonly fails?: () => boolean;
  /** Called when a job begins to apply, so that tests can count. */
  readonly applied?: () => void;
}

/** An engine that only takes time: for tests of the way to and from it, and for thousands of agents on one machine. */
export function simulatedEngine({ milliseconds = 20, fails = () => false, applied = () => {} }: SimulatedWork = {}): Engine {
  const work = async (signal: AbortSignal | undefined): Promise<"cancelled" | undefined> =>
    sleep(milliseconds, undefined, signal === undefined ? {} : { signal }).then(
      () => undefined,
      () => "cancelled",
    );
  return {
    planUnify: async (options) => ({ report: report(true, options.guests.length), [Symbol.dispose]: () => {}, hash: "0".repeat(64) }),
    applyPlan: async (plan, options) => {
      applied();
      options.onProgress?.({ phase: "apply", files: 0, filesTotal: 10, bytes: 0, bytesTotal: 4096 });
      const stopped = await work(options.signal);
      if (fails()) throw new UnifyError("input-output", "/simulated", "read error", "replace the disk");
      return { ...report(false, plan.report.guests.length), ...(stopped === undefined ? {} : { stopped }) };
    },
    deunify: async (options) => ({ files: { scanned: 10, deunified: 5, stillShared: 0, skipped: {} }, bytes: { copied: 4096, taken: 4096 }, guests: options.guests.map(({ name }) => ({ name, files: 5, deunified: 5 })), failures: [], elapsedMs: milliseconds }),
    verifyPool: async () => ({ pools: [], failures: [], elapsedMs: milliseconds }),
    collectGarbage: async () => ({ pools: [], failures: [], elapsedMs: milliseconds }),
  };
}

function report(dryRun: boolean, guests: number): UnifyReport {
  return {
    dryRun,
    strategy: "hardlink",
    guard: "none",
    fileSystems: [],
    files: { scanned: 10, visited: 10, eligible: 8, unified: 5, skipped: { unique: 3 } },
    bytes: { read: 8192, hashed: 4096, compared: 4096, logical: 16_384, reclaimed: 4096 },
    pageCache: { shared: 4096, saved: 4096 },
    guests: Array.from({ length: guests }, (_, index) => ({ name: `dir/${index}`, files: 5, unified: 5, reclaimed: 2048 })),
    stillMapping: [],
    failures: [],
    elapsedMs: 1,
  };
}
