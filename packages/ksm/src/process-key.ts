import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One process for good: numbers are used again, start times are not. */
export interface ProcessKey {
  readonly pid: number;
  /** Clock ticks since boot: field 22 of /proc/PID/stat. */
  readonly started: number;
}

/** The command name, the state letter and the key of a process; `undefined` once it is gone. */
export interface ProcessHead extends ProcessKey {
  readonly comm: string;
  readonly state: string;
  readonly parent: number;
}

/** Reads /proc/PID/stat. The name sits in parentheses and may hold anything, so fields are counted after the last one. */
export function readProcessHead(proc: string, pid: number): ProcessHead | undefined {
  let text: string;
  try {
    text = readFileSync(join(proc, String(pid), "stat"), "utf8");
  } catch {
    return undefined;
  }
  const open = text.indexOf("(");
  const close = text.lastIndexOf(")");
  const fields = text.slice(close + 2).split(" ");
  return { pid, comm: text.slice(open + 1, close), state: fields[0] ?? "?", parent: Number(fields[1]), started: Number(fields[19]) };
}

/** Does this very process still exist? */
export function isAlive(proc: string, key: ProcessKey): boolean {
  const head = readProcessHead(proc, key.pid);
  return head !== undefined && head.started === key.started && head.state !== "Z" && head.state !== "X";
}
