import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readCounters } from "./counters.ts";
import type { Counters } from "./counters.ts";
import { listProcesses } from "./guest-processes.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { memAvailable } from "./transaction.ts";

/** Pressure stall information of one resource: percent of the last ten seconds. Zero where the kernel keeps none. */
interface Pressure {
  readonly some: number;
  readonly full: number;
}

/** The host at one moment: all that the tuner and the ladder look at. */
export interface KsmSample {
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly counters: Counters;
  /** Nanoseconds that ksmd has run since boot (/proc/PID/schedstat). */
  readonly ksmdCpuNs: number;
  /** Copy-on-write breaks of merged pages since boot; `undefined` before Linux 5.19. */
  readonly cowBreaks: number | undefined;
  readonly memAvailable: number;
  readonly memTotal: number;
  readonly memoryPressure: Pressure;
  readonly cpuPressure: Pressure;
  /** Processes that take part; more than at the last sample means that a guest or a program has started. */
  readonly members: number;
}

/** Finds ksmd, a kernel thread: a child of kthreadd (2). `undefined`: this kernel has none. */
export async function findKsmd(proc: string): Promise<number | undefined> {
  return (await listProcesses(proc)).find((head) => head.comm === "ksmd" && head.parent === 2)?.pid;
}

/**
 * Takes one sample.
 * @param ksmd from {@link findKsmd}
 * @param members processes that take part, counted by the caller, who knows how often that is worth its cost
 */
export function takeSample(paths: KsmPaths, ksmd: number | undefined, members: number): KsmSample {
  const meminfo = readFileSync(join(paths.proc, "meminfo"), "utf8");
  return {
    at: performance.now(),
    counters: readCounters(paths.sysfs),
    ksmdCpuNs: ksmd === undefined ? 0 : cpuTime(paths.proc, ksmd),
    cowBreaks: cowBreaks(paths.proc),
    memAvailable: memAvailable(paths.proc),
    memTotal: Number(/^MemTotal:\s+(\d+) kB/mu.exec(meminfo)?.[1] ?? 0) * 1024,
    memoryPressure: pressure(paths.proc, "memory"),
    cpuPressure: pressure(paths.proc, "cpu"),
    members,
  };
}

/** Nanoseconds on a processor: the first field of schedstat, exact where utime counts ticks. */
function cpuTime(proc: string, pid: number): number {
  return Number(readFileSync(join(proc, String(pid), "schedstat"), "utf8").split(" ")[0]);
}

function cowBreaks(proc: string): number | undefined {
  const value = /^cow_ksm (\d+)/mu.exec(readFileSync(join(proc, "vmstat"), "utf8"))?.[1];
  return value === undefined ? undefined : Number(value);
}

function pressure(proc: string, resource: "memory" | "cpu"): Pressure {
  let text = "";
  try {
    text = readFileSync(join(proc, "pressure", resource), "utf8");
  } catch {
    // Built without PSI, or booted without psi=1: available memory alone decides.
  }
  const read = (line: "some" | "full"): number => Number(new RegExp(`^${line} avg10=([\\d.]+)`, "mu").exec(text)?.[1] ?? 0);
  return { some: read("some"), full: read("full") };
}
