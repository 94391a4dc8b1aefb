import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: the unit of the times in /proc/PID/stat on every Linux (proc(5)). */
const TICKS_PER_SECOND = 100;

/** Seconds that ksmd has run, exact. */
export function ksmdSeconds(): number {
  return Number(readFileSync(`/proc/${ksmd()}/schedstat`, "utf8").split(" ")[0]) / 1e9;
}

/** Seconds that a process and its ended children have run. 0: it has ended. */
export function processSeconds(pid: number): number {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    // utime, stime, cutime, cstime: fields 14 to 17, counted here from field 3.
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

let found: string | undefined;

function ksmd(): string {
  found ??= readdirSync("/proc").find((name) => /^\d+$/u.test(name) && readFileSync(`/proc/${name}/comm`, "utf8") === "ksmd\n");
  if (found === undefined) throw new Error("this kernel has no ksmd");
  return found;
}
