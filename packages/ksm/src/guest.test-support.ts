import { spawn } from "node:child_process";
import type { ChildProcessWithoutNullStreams, SpawnOptionsWithoutStdio } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { readProcessHead } from "./process-key.ts";
import type { ProcessKey } from "./process-key.ts";

/** A running test program that has said `ready`. */
export interface TestGuest extends AsyncDisposable {
  readonly pid: number;
  /** Sends a line, answers the line that comes back. */
  ask(line: string): Promise<string>;
  /** Closes its input and waits: its last line, and how it ended. */
  end(): Promise<{ last: string; code: number | null; signal: NodeJS.Signals | null }>;
}

/** The path of a test program (native/test). */
export function testTool(name: string): string {
  const path = join(import.meta.dirname, "../build/test", name);
  if (!existsSync(path)) throw new Error(`${path} is missing: run npm run build`);
  return path;
}

/** The process as it is now, so that another one of its number is told apart. */
export function keyOf(pid: number): ProcessKey {
  const head = readProcessHead("/proc", pid);
  if (head === undefined) throw new Error(`process ${pid} is gone`);
  return head;
}

/** Starts a command whose program prints `ready` once it is up. Disposing kills it. */
export async function startGuest(command: readonly [string, ...string[]], options: SpawnOptionsWithoutStdio = {}): Promise<TestGuest> {
  const child: ChildProcessWithoutNullStreams = spawn(command[0], command.slice(1), options);
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      resolve({ code, signal });
    });
  });
  let stderr = "";
  child.stderr.on("data", (part: Buffer) => (stderr += part.toString()));
  const next = async (): Promise<string> => {
    const { value, done } = await lines.next();
    return done === true ? "" : value;
  };
  const first = await next();
  if (first !== "ready" || child.pid === undefined) throw new Error(`${command.join(" ")} said "${first}": ${stderr}`);
  return {
    pid: child.pid,
    async ask(line) {
      child.stdin.write(`${line}\n`);
      return next();
    },
    async end() {
      child.stdin.end();
      let last = "";
      for (let line = await next(); line !== ""; line = await next()) last = line;
      return { last, ...(await ended) };
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
