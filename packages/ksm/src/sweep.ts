import { DEFAULT_DENYLIST, denyRule } from "./denylist.ts";
import type { DenyRule } from "./denylist.ts";
import { listProcesses } from "./guest-processes.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { isMergeable } from "./ksm-stat.ts";
import type { ProcessHead, ProcessKey } from "./process-key.ts";
import { guestByNamespace } from "./read-ledger.ts";
import type { GuestOf } from "./read-ledger.ts";
import { optOut } from "./unmerge.ts";

/** A process that takes part in KSM and should not. */
export interface Intruder extends ProcessKey {
  readonly comm: string;
  readonly guest: string;
  readonly reason: string;
}

export interface SweepReport {
  /** Processes that take part. */
  readonly members: number;
  readonly intruders: readonly Intruder[];
  /** Intruders put out, verified. */
  readonly removed: number;
}

export interface SweepOptions {
  /** May a guest merge, is it of the active domain? Default: all may, only the denylist counts. */
  readonly isAllowed?: (guest: string) => boolean;
  readonly denylist?: readonly DenyRule[];
  /** Opt the intruders out. They may opt themselves in again: only the seccomp filter keeps a guest out for good. */
  readonly remove: boolean;
  readonly guestOf?: GuestOf;
  readonly signal?: AbortSignal;
}

/**
 * Finds processes that take part in KSM though their guest is outside the active domain or their program is denied:
 * any process may opt itself in, without privilege.
 */
export async function sweep(paths: KsmPaths, options: SweepOptions): Promise<SweepReport> {
  const guestOf = options.guestOf ?? guestByNamespace(paths.proc);
  const heads = await listProcesses(paths.proc, options.signal);
  const members = heads.filter((head) => head.pid > 1 && isMergeable(paths.proc, head.pid) === true);
  const intruders = members.flatMap((head) => {
    const guest = guestOf(head.pid);
    const reason = reasonAgainst(paths.proc, head, guest, options);
    return reason === undefined ? [] : [{ pid: head.pid, started: head.started, comm: head.comm, guest, reason }];
  });
  if (!options.remove || intruders.length === 0) return { members: members.length, intruders, removed: 0 };
  await optOut(paths, intruders, { guestOf, ...(options.signal === undefined ? {} : { signal: options.signal }) });
  return { members: members.length, intruders, removed: intruders.filter(({ pid }) => isMergeable(paths.proc, pid) !== true).length };
}

function reasonAgainst(proc: string, head: ProcessHead, guest: string, options: SweepOptions): string | undefined {
  if (options.isAllowed?.(guest) === false) return `guest ${guest} is outside the active domain`;
  return denyRule(proc, head, options.denylist ?? DEFAULT_DENYLIST)?.reason;
}
