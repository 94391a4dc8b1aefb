import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { readCounters } from "./counters.ts";
import { containerOfProcess } from "./container-of.ts";
import { listProcesses } from "./guest-processes.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { readKsmStat } from "./ksm-stat.ts";
import { ledger, PAGE_BYTES } from "./ledger.ts";
import type { GuestPages, Ledger } from "./ledger.ts";
import { bootId, readState } from "./state-file.ts";
import { memAvailable } from "./transaction.ts";

/** The row of everything that runs in no guest. */
export const HOST_GUEST = "host";

/** Says which guest a process belongs to. */
export type GuestOf = (pid: number) => string;

/**
 * Guests without anybody's list of them: the container's name where a control group carries it (LXC, Incus, nspawn), else
 * the pid namespace, else {@link HOST_GUEST}.
 */
export function guestByNamespace(proc: string): GuestOf {
  const own = readlinkSync(join(proc, "self/ns/pid"));
  return (pid) => {
    const name = containerOfProcess(proc, pid)?.name;
    if (name !== undefined) return name;
    try {
      const namespace = readlinkSync(join(proc, String(pid), "ns/pid"));
      return namespace === own ? HOST_GUEST : namespace;
    } catch {
      return HOST_GUEST;
    }
  };
}

/** Reads every process once and gives the account. Costs one small file a process, two for those that take part in KSM. */
export async function readLedger(paths: KsmPaths, guestOf: GuestOf = guestByNamespace(paths.proc), signal?: AbortSignal): Promise<Ledger> {
  const sums = new Map<string, GuestPages>();
  let count = 0;
  for (const head of await listProcesses(paths.proc, signal)) {
    if (++count % 64 === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    const stat = readKsmStat(paths.proc, head.pid);
    if (stat === undefined || (stat.rmapItems === 0 && stat.mergingPages === 0 && stat.zeroPages === 0)) continue;
    const name = guestOf(head.pid);
    const old = sums.get(name);
    const memory = anonymousMemory(paths.proc, head.pid);
    sums.set(name, {
      name,
      processes: (old?.processes ?? 0) + 1,
      rmapItems: (old?.rmapItems ?? 0) + stat.rmapItems,
      mergingPages: (old?.mergingPages ?? 0) + stat.mergingPages,
      zeroPages: (old?.zeroPages ?? 0) + stat.zeroPages,
      anonymous: (old?.anonymous ?? 0) + memory.anonymous,
      proportional: (old?.proportional ?? 0) + memory.proportional,
    });
  }
  const before = readState(paths.state, bootId(paths.proc))?.memAvailableBefore;
  return ledger(readCounters(paths.sysfs), [...sums.values()], {
    memAvailableDelta: before === undefined ? undefined : memAvailable(paths.proc) - before,
    zramSameFilled: zramSameFilled(paths.block),
  });
}

/** Bytes of anonymous memory mapped, and the part of it that this process pays for (smaps_rollup, Linux 5.4). */
function anonymousMemory(proc: string, pid: number): { anonymous: number; proportional: number } {
  try {
    const text = readFileSync(join(proc, String(pid), "smaps_rollup"), "utf8");
    const kilobytes = (key: string): number => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, "mu").exec(text)?.[1] ?? 0);
    return { anonymous: kilobytes("Anonymous") * 1024, proportional: kilobytes("Pss_Anon") * 1024 };
  } catch {
    return { anonymous: 0, proportional: 0 };
  }
}

/** Bytes of same-filled pages in all zram devices: column 6 of mm_stat (Documentation/admin-guide/blockdev/zram.rst). */
function zramSameFilled(block: string): number {
  let pages = 0;
  try {
    for (const name of readdirSync(block)) {
      if (!/^zram\d+$/u.test(name)) continue;
      pages += Number(readFileSync(join(block, name, "mm_stat"), "utf8").trim().split(/\s+/u)[5] ?? 0);
    }
  } catch {
    // No block devices here, or a device that went away: nothing to count.
  }
  return pages * PAGE_BYTES;
}
