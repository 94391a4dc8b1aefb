import { DEFAULT_DENYLIST, denyRule } from "./denylist.ts";
import type { DenyRule } from "./denylist.ts";
import { listProcesses } from "./guest-processes.ts";
import { KsmError } from "./ksm-error.ts";
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
  /** Guests that must run on this host: a name mistyped in what is allowed would put the very guest out. Default: none. */
  readonly expected?: readonly string[];
  readonly denylist?: readonly DenyRule[];
  /** Opt the intruders out. They may opt themselves in again: only the seccomp filter keeps a guest out for good. */
  readonly remove: boolean;
  readonly guestOf?: GuestOf;
  readonly signal?: AbortSignal;
}

/**
 * Finds processes that take part in KSM though their guest is outside the active domain or their program is denied:
 * any process may opt itself in, without privilege.
 * @throws KsmError no-guest when an expected guest does not run; nothing is changed then
 */
export async function sweep(paths: KsmPaths, options: SweepOptions): Promise<SweepReport> {
  const guestOf = options.guestOf ?? guestByNamespace(paths.proc);
  const heads = await listProcesses(paths.proc, options.signal);
  requireGuests(options.expected ?? [], heads, guestOf);
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

function requireGuests(expected: readonly string[], heads: readonly ProcessHead[], guestOf: GuestOf): void {
  if (expected.length === 0) return;
  const running = new Set(heads.map(({ pid }) => guestOf(pid)));
  const missing = expected.find((name) => !running.has(name));
  if (missing !== undefined) throw new KsmError("no-guest", missing, "no running guest has this name", "look the name up with samepage ksm status; nothing was changed");
}

function reasonAgainst(proc: string, head: ProcessHead, guest: string, options: SweepOptions): string | undefined {
  if (options.isAllowed?.(guest) === false) return `guest ${guest} is outside the active domain`;
  return denyRule(proc, head, options.denylist ?? DEFAULT_DENYLIST)?.reason;
}
