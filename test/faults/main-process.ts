import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { processorTime } from "./processor-time.ts";

/** Milliseconds that a process which becomes ready may do nothing at all: on a machine that does much else it takes its time. */
const idleMs = 60_000;

/** A process of one of this directory's mains. */
export interface MainProcess extends AsyncDisposable {
  readonly pid: number;
  /** What it said when it was ready. */
  readonly ready: Record<string, unknown>;
  /** SIGKILL, and gone when it resolves. */
  kill(): Promise<void>;
  /** SIGTERM, and gone when it resolves. */
  end(): Promise<void>;
}

/** The controller as a process. */
export const controllerMain = join(import.meta.dirname, "controller-main.ts");

/**
 * Starts a main with its options and resolves when it is ready.
 * @param timeoutMs how long it may do nothing, by its processor time, before it is.
 * @param prefix words before its command line that lead to it by exec, e.g. `ip netns exec NAME`.
 */
export async function startMain(main: string, options: object, timeoutMs: number = idleMs, prefix: readonly string[] = []): Promise<MainProcess> {
  const [program, ...args] = [...prefix, process.execPath, main, JSON.stringify(options)];
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  const kill = async () => stop(child, "SIGKILL");
  const end = async () => stop(child, "SIGTERM");
  const over = new AbortController();
  try {
    const [line] = (await Promise.race([
      once(createInterface(child.stdout), "line"),
      once(child, "exit").then(([code]) => {
        throw new Error(`${main} ended with ${String(code)} before it was ready`);
      }),
      idle(child, timeoutMs, over.signal).then(() => {
        throw new Error(`${main} was not ready and did nothing for ${timeoutMs / 1000} s`);
      }),
    ])) as readonly string[];
    const ready: Record<string, unknown> = JSON.parse(line ?? "{}");
    return { pid: child.pid ?? 0, ready, kill, end, [Symbol.asyncDispose]: kill };
  } catch (error) {
    await kill();
    throw error;
  } finally {
    over.abort();
  }
}

/** Resolves once the process has used no processor time for so long; rejects at the signal. */
async function idle({ pid = 0 }: ChildProcess, forMs: number, signal: AbortSignal): Promise<void> {
  let used = -1;
  for (let since = performance.now(); performance.now() - since < forMs; ) {
    // Ended by the signal it rejects, when nobody looks any more.
    await sleep(1000, undefined, { signal });
    const now = await processorTime(pid);
    if (now !== used) since = performance.now();
    used = now;
  }
}

async function stop(child: ChildProcess, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  child.kill(signal);
  await exited;
}
