import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { rm, statfs } from "node:fs/promises";
import { join } from "node:path";
import { type LoopFs, run } from "@samepage/test-support";

/** What one run of a program cost. Seconds and bytes. */
export interface Cost {
  readonly wall: number;
  /** User and system time of the program and all its children. */
  readonly cpu: number;
  readonly peakMemory: number;
  /** What it asked the kernel to read (rchar of /proc/PID/io), as last seen, at most 10 ms before its end. */
  readonly read: number;
}

/** How often the reading program's counters are looked at; they vanish with it. Milliseconds. */
const lookEvery = 10;
/** No contender may hold a run up for longer. Milliseconds. */
const patience = 1_200_000;

/**
 * Runs a command under GNU time and says what it cost. Throws when it cannot be started or fails.
 * @param longest milliseconds after which it is ended. Default: what no contender may hold a run up for
 */
export async function measure(command: readonly string[], scratch: string, longest: number = patience): Promise<Cost> {
  const figures = join(scratch, "time");
  await rm(figures, { force: true });
  const child = spawn("/usr/bin/time", ["--output", figures, "--format", "%e %U %S %M", ...command], { stdio: ["ignore", "ignore", "pipe"], timeout: longest });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  const readSoFar = new Map<number, number>();
  const look = setInterval(() => noteReads(child.pid ?? 0, readSoFar), lookEvery);
  const started = performance.now();
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject).once("close", resolve);
  }).finally(() => clearInterval(look));
  const elapsed = (performance.now() - started) / 1000;
  if (status !== 0) throw new Error(`${command.join(" ")}: exit ${status}: ${complaint.trim()}`);
  const [, user = 0, system = 0, kilobytes = 0] = (readFileSync(figures, "utf8").trim().split("\n").at(-1) ?? "").split(" ").map(Number);
  const read = [...readSoFar.values()].reduce((sum, bytes) => sum + bytes, 0);
  // %e has hundredths only; GNU time itself starts in about a millisecond.
  return { wall: elapsed, cpu: user + system, peakMemory: kilobytes * 1024, read };
}

function noteReads(parent: number, readSoFar: Map<number, number>): void {
  const waiting = [parent];
  for (let pid = waiting.pop(); pid !== undefined; pid = waiting.pop()) {
    try {
      waiting.push(...readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number));
      if (pid === parent) continue;
      const rchar = Number(/^rchar: (\d+)$/mu.exec(readFileSync(`/proc/${pid}/io`, "utf8"))?.[1]);
      readSoFar.set(pid, Math.max(rchar, readSoFar.get(pid) ?? 0));
    } catch {
      // It ended between two looks.
    }
  }
}

/** Inodes of regular files that are not empty, and the bytes the file system says are used: what merging is judged by, whoever did it. */
export async function weigh({ mount }: LoopFs): Promise<{ inodes: number; used: number }> {
  await run("sync", ["--file-system", mount]);
  const inodes = await run("sh", ["-c", 'find "$1/guests" -type f -size +0 -printf "%i\\n" | sort -u | wc -l', "find", mount]);
  const { blocks, bfree, bsize } = await statfs(mount);
  return { inodes: Number(inodes), used: (blocks - bfree) * bsize };
}

/** Each figure's own median. */
export function medianCost(costs: readonly Cost[]): Cost {
  const of = (figure: keyof Cost) => median(costs.map((cost) => cost[figure]));
  return { wall: of("wall"), cpu: of("cpu"), peakMemory: of("peakMemory"), read: of("read") };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}
