import { readFileSync } from "node:fs";

/** What a process uses, as /proc says (proc_pid_stat(5), proc_pid_status(5)). */
export interface ProcessUsage {
  readonly rssBytes: number;
  /** User and system time since it began, ms. The kernel counts in ticks of 10 ms. */
  readonly cpuMs: number;
}

export function processUsage(pid: number): ProcessUsage {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The command's name, in brackets, may hold spaces: fields are counted from behind it. utime and stime are the 14th and 15th.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const rss = /^VmRSS:\s+(\d+) kB$/mu.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return { rssBytes: Number(rss?.[1] ?? 0) * 1024, cpuMs: (Number(fields[11]) + Number(fields[12])) * 10 };
}
