import { readFile } from "node:fs/promises";

/** Seconds of processor time that a process has used; 0 where there is none such any more. */
export async function processorTime(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  const fields = stat.split(") ")[1]?.split(" ") ?? [];
  // utime and stime of proc(5), in ticks of 10 ms.
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / 100;
}
