import { runHelper } from "./helpers.ts";
import { KsmError } from "./ksm-error.ts";
import type { ProcessKey } from "./process-key.ts";

const OUTCOMES = ["done", "gone", "zombie", "kernel-thread", "refused-seccomp", "busy", "traced", "unsupported", "denied", "failed"] as const;

/** What became of one process; native/ksm-inject.c says what each means. */
export type InjectOutcome = (typeof OUTCOMES)[number];

export interface Injection {
  readonly pid: number;
  readonly outcome: InjectOutcome;
  /** More about it, or empty. */
  readonly detail: string;
}

/** So many processes a helper: bounds its command line, and how long an abort waits. */
const BATCH = 256;

/**
 * Makes running processes opt themselves in (`on`), out (`off`), or out including what they advised by themselves (`reset`).
 * Every process gets an outcome; none is left stopped.
 * @throws KsmError helper when the injector itself fails
 */
export async function inject(mode: "on" | "off" | "reset", keys: readonly ProcessKey[], signal?: AbortSignal): Promise<Injection[]> {
  const results: Injection[] = [];
  for (let at = 0; at < keys.length; at += BATCH) {
    signal?.throwIfAborted();
    const batch = keys.slice(at, at + BATCH);
    // Not aborted inside a batch: the injector must put a target's registers back before it ends.
    const { status, stdout, stderr } = await runHelper("ksm-inject", [mode, ...batch.map((key) => `${key.pid}:${key.started}`)]);
    if (status !== 0) throw new KsmError("helper", "ksm-inject", stderr || `ended with ${status}`, "see the message");
    for (const line of stdout.split("\n")) {
      const [pid, word, ...detail] = line.split(" ");
      const outcome = OUTCOMES.find((known) => known === word);
      if (outcome !== undefined) results.push({ pid: Number(pid), outcome, detail: detail.join(" ") });
    }
  }
  return results;
}
