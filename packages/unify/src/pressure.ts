import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseMountTable } from "./mount-table.ts";

/**
 * How long others were kept waiting, from the kernel's pressure stall information. A disk's pressure is that of the
 * control groups beside ours: the system's own figure would count what this run waits for itself. Memory's is the
 * system's, because a page cache that grows presses on everybody. Without control groups (v2) only memory counts;
 * without PSI nothing is ever under pressure.
 */
export class Pressure {
  #before: ReadonlyMap<string, number>;
  #at = performance.now();

  constructor() {
    this.#before = stallTimes();
  }

  /** The worst share of the time since the last look, 0 … 1. The kernel sums up every two seconds; looking more often sees nothing. */
  look(): number {
    const now = stallTimes();
    const elapsed = (performance.now() - this.#at) * 1000;
    const worst = Math.max(0, ...[...now].map(([path, stalled]) => stalled - (this.#before.get(path) ?? stalled)));
    this.#before = now;
    this.#at = performance.now();
    return Math.min(1, worst / elapsed);
  }
}

/** Microseconds by file: groups come and go. */
function stallTimes(): Map<string, number> {
  const times = new Map<string, number>();
  for (const path of ["/proc/pressure/memory", ...otherGroups().map((group) => join(group, "io.pressure"))]) {
    try {
      const total = /^some .*total=(\d+)$/mu.exec(readFileSync(path, "latin1"))?.[1];
      if (total !== undefined) times.set(path, Number(total));
    } catch {
      // The group has gone, or this kernel keeps no account of pressure.
    }
  }
  return times;
}

/** The control groups that are siblings of ours or of one that ours lies in: together they hold every other process. */
function otherGroups(): string[] {
  try {
    const root = parseMountTable(readFileSync("/proc/self/mountinfo", "latin1")).find(({ type }) => type === "cgroup2")?.mountPoint;
    const own = /^0::\/(.*)$/mu.exec(readFileSync("/proc/self/cgroup", "latin1"))?.[1];
    if (root === undefined || own === undefined) return [];
    const names = own === "" ? [] : own.split("/");
    return [...names, undefined].flatMap((name, depth) => {
      // Below our own group everything is ours, unless ours is the root, which holds everybody.
      if (name === undefined && depth > 0) return [];
      const parent = join(root, ...names.slice(0, depth));
      return readdirSync(parent, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() && entry.name !== name ? [join(parent, entry.name)] : []));
    });
  } catch {
    return []; // No control groups that we could read.
  }
}
