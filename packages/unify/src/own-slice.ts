import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseMountTable } from "./mount-table.ts";

/** The agent's unit puts it there, at the top of the hierarchy. */
const slice = "samepage.slice";

/**
 * Between control groups a thread's own class counts for nothing: the kernel compares the groups where their paths part
 * (sched(7); `cpu.idle` in the kernel's cgroup-v2.rst), and a guest's service that wakes waits for the tick unless our group is an idle one. It is
 * made one only while we read, and only where this process is alone in its group of the slice: an idle group gets next to
 * nothing on a busy host, which is too little for starting, for being heard of and for a guard that guests wait for.
 * @returns undoes it
 */
export function idleOwnSlice(): () => void {
  const nothing = () => {};
  try {
    const group = ownGroup();
    if (group === undefined || readFileSync(join(group.own, "cgroup.procs"), "latin1").trim() !== `${process.pid}`) return nothing;
    const idle = join(group.slice, "cpu.idle");
    const weight = join(group.slice, group.weight);
    if (readFileSync(idle, "latin1").trim() !== "0") return nothing;
    const before = readFileSync(weight, "latin1");
    writeFileSync(idle, "1");
    return () => {
      try {
        writeFileSync(idle, "0");
        // The kernel has forgotten it.
        writeFileSync(weight, before);
      } catch {
        // The group has gone, or was taken over by whoever manages it.
      }
    };
  } catch {
    return nothing; // No such groups, or not ours to change: threads give way one by one.
  }
}

/** Our group of the processors' controller and the slice that it lies in, if it does; v2 where that has the controller, else v1. */
function ownGroup(): { readonly own: string; readonly slice: string; readonly weight: string } | undefined {
  const mounts = parseMountTable(readFileSync("/proc/self/mountinfo", "latin1"));
  for (const line of readFileSync("/proc/self/cgroup", "latin1").trim().split("\n")) {
    const [, controllers = "", path = ""] = /^\d+:([^:]*):(.*)$/u.exec(line) ?? [];
    const isUnified = controllers === "";
    if (!isUnified && !controllers.split(",").includes("cpu")) continue;
    // With v1, several controllers may share a hierarchy, whose mount point names one of them or all.
    const top = mounts.find(({ type, mountPoint }) => (isUnified ? type === "cgroup2" : type === "cgroup" && mountPoint.split("/").at(-1)?.split(",").includes("cpu")))?.mountPoint;
    if (top !== undefined && path.split("/")[1] === slice) return { own: join(top, path), slice: join(top, slice), weight: isUnified ? "cpu.weight" : "cpu.shares" };
  }
  return undefined;
}
