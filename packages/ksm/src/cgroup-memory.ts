import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { readNumber } from "./counters.ts";

/** One mounted control group hierarchy that can limit memory. */
interface MemoryHierarchy {
  readonly mount: string;
  readonly version: 1 | 2;
}

/**
 * Bytes that a process's control groups still allow it, the tightest level counting; clean file pages do not, since
 * the kernel drops them first. Infinity: no limit.
 */
export function memoryHeadroom(proc: string, pid: number): number {
  let room = Infinity;
  for (const { mount, version } of memoryHierarchies(proc)) {
    let path = cgroupPath(proc, pid, version);
    while (path !== undefined) {
      room = Math.min(room, levelHeadroom(join(mount, path), version));
      path = path === "/" ? undefined : dirname(path);
    }
  }
  return room;
}

function memoryHierarchies(proc: string): MemoryHierarchy[] {
  const found: MemoryHierarchy[] = [];
  try {
    for (const line of readFileSync(join(proc, "self/mountinfo"), "utf8").split("\n")) {
      const [head = "", tail = ""] = line.split(" - ");
      const mount = head.split(" ")[4];
      const [type, , options = ""] = tail.split(" ");
      if (mount === undefined) continue;
      if (type === "cgroup2") found.push({ mount, version: 2 });
      else if (type === "cgroup" && options.split(",").includes("memory")) found.push({ mount, version: 1 });
    }
  } catch {
    // Without /proc/self/mountinfo no limit can be read; the host's own memory still decides.
  }
  return found;
}

function cgroupPath(proc: string, pid: number, version: 1 | 2): string | undefined {
  try {
    for (const line of readFileSync(join(proc, String(pid), "cgroup"), "utf8").split("\n")) {
      const [number, controllers, ...path] = line.split(":");
      if (version === 2 ? number === "0" && controllers === "" : controllers?.split(",").includes("memory")) return path.join(":");
    }
  } catch {
    // Gone.
  }
  return undefined;
}

function levelHeadroom(directory: string, version: 1 | 2): number {
  const limit = readNumber(join(directory, version === 2 ? "memory.max" : "memory.limit_in_bytes"));
  const usage = readNumber(join(directory, version === 2 ? "memory.current" : "memory.usage_in_bytes"));
  // `max` reads as NaN; v1 says "unlimited" with a number near 2^63.
  if (limit === undefined || usage === undefined || Number.isNaN(limit) || limit > 2 ** 60) return Infinity;
  let clean = 0;
  try {
    const text = readFileSync(join(directory, "memory.stat"), "utf8");
    clean = Number(new RegExp(`^${version === 2 ? "inactive_file" : "total_inactive_file"} (\\d+)`, "mu").exec(text)?.[1] ?? 0);
  } catch {
    // No statistics: count none of it as droppable.
  }
  return limit - usage + clean;
}
