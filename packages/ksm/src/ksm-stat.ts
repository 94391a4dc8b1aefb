import { readFileSync } from "node:fs";
import { join } from "node:path";

/** /proc/PID/ksm_stat, in pages unless said otherwise. */
export interface KsmStat {
  readonly rmapItems: number;
  readonly zeroPages: number;
  /** Kept pages and duplicates alike: the sum over all processes is pages_shared + pages_sharing. */
  readonly mergingPages: number;
  /** Opted in as a whole (prctl). `undefined`: this kernel does not say. */
  readonly mergeAny: boolean | undefined;
  /** Holds any mergeable area, by prctl or by its own madvise. `undefined`: this kernel does not say. */
  readonly mergeable: boolean | undefined;
}

/** Reads one process's numbers; `undefined` when it is gone or the kernel has none (before 6.1). */
export function readKsmStat(proc: string, pid: number): KsmStat | undefined {
  let text: string;
  try {
    text = readFileSync(join(proc, String(pid), "ksm_stat"), "utf8");
  } catch {
    return undefined;
  }
  if (text === "") return undefined; // ending, or a kernel thread: no memory left to speak of
  const fields = new Map<string, string>();
  for (const line of text.split("\n")) {
    const [key, value] = line.split(/:?\s+/u);
    if (key !== undefined && value !== undefined) fields.set(key, value);
  }
  const number = (key: string): number => Number(fields.get(key) ?? 0);
  const answer = (key: string): boolean | undefined => (fields.has(key) ? fields.get(key) === "yes" : undefined);
  return {
    rmapItems: number("ksm_rmap_items"),
    zeroPages: number("ksm_zero_pages"),
    mergingPages: number("ksm_merging_pages"),
    mergeAny: answer("ksm_merge_any"),
    mergeable: answer("ksm_mergeable"),
  };
}

/**
 * Is any of the process's memory mergeable, or has it opted in as a whole? From ksm_stat where it says so, else from the `mg` flag of its mappings,
 * which costs the kernel a walk over the whole process. `undefined`: gone, or a kernel thread.
 */
export function isMergeable(proc: string, pid: number): boolean | undefined {
  const stat = readKsmStat(proc, pid);
  // In the middle of an exec a process that has opted in holds no area yet, and is a member all the same.
  if (stat?.mergeable !== undefined) return stat.mergeable || stat.mergeAny === true;
  try {
    const text = readFileSync(join(proc, String(pid), "smaps"), "utf8");
    return text === "" ? undefined : /^VmFlags:.* mg( |$)/mu.test(text);
  } catch {
    return undefined;
  }
}
