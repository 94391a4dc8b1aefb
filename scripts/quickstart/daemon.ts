import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { UndoStack } from "./undo-stack.ts";

/** How long a daemon gets to end by itself before it is killed. */
const stopMs = 10_000;

/** Starts a program in the background, its output in a log file; it is stopped with the rest. */
export function startDaemon(what: string, words: readonly string[], log: string, undo: UndoStack): ChildProcess {
  const [program = "", ...rest] = words;
  // A process group of its own: a Ctrl-C at the terminal must reach us only, so that things stop in order.
  const child = spawn(program, rest, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  const file = createWriteStream(log);
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  const ended = new Promise<void>((resolve) => {
    child.once("close", () => file.end(resolve));
    child.once("error", (error) => file.end(`${error.message}\n`, resolve));
  });
  undo.push(`stop ${what}`, async () => {
    if (child.exitCode !== null || child.signalCode !== null) return ended;
    child.kill("SIGTERM");
    const gentle = await Promise.race([ended.then(() => true), sleep(stopMs, false)]);
    if (!gentle && child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    return ended;
  });
  return child;
}

/** Longer than any of them takes on a slow machine; whoever needs more will never be ready. */
const readyMs = 60_000;

/** Waits until `isReady` holds; rejects with the end of the log when the daemon ends before, or with the signal. */
export async function untilReady(what: string, child: ChildProcess, log: string, isReady: () => Promise<boolean>, signal: AbortSignal): Promise<void> {
  const deadline = performance.now() + readyMs;
  for (;;) {
    signal.throwIfAborted();
    if (await isReady()) return;
    const hasEnded = child.exitCode !== null || child.signalCode !== null;
    if (hasEnded || performance.now() > deadline) {
      const end = (await readFile(log, "utf8")).trimEnd().split("\n").slice(-5).join("\n");
      throw new Error(`${what} ${hasEnded ? "ended before it was ready" : `is not ready after ${readyMs / 1000} s`}; the end of ${log}:\n${end}`);
    }
    await sleep(100, undefined, { signal });
  }
}
