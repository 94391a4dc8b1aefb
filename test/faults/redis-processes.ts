import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "@samepage/test-support";

/** One server of a group on 127.0.0.1, with the persistence that Samepage asks for. */
export interface RedisProcess {
  readonly port: number;
  start(): Promise<void>;
  /** SIGKILL; its files stay. */
  kill(): Promise<void>;
}

/** Milliseconds for a server to answer, on a machine that does much else. */
const startMs = 60_000;

/** @param program `redis-server`, or `redis-sentinel` with its file in `args`. */
export function redisProcess(program: string, port: number, args: readonly string[]): RedisProcess {
  let child: ChildProcess | undefined;
  return {
    port,
    start: async () => {
      child = spawn(program, [...args, "--port", `${port}`, "--bind", "127.0.0.1"], { stdio: "ignore" });
      await until(startMs, `${program} on port ${port} to answer`, async () => (await redisCli(port, "ping").catch(() => "")).includes("PONG"));
    },
    kill: async () => {
      const ending = child;
      child = undefined;
      if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
      const exited = once(ending, "exit");
      ending.kill("SIGKILL");
      await exited;
    },
  };
}

/** Arguments of a server that keeps its data in a directory. */
export function persistentIn(dir: string): readonly string[] {
  return ["--dir", dir, "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", ""];
}

export async function redisCli(port: number, ...command: readonly string[]): Promise<string> {
  return run("redis-cli", ["-h", "127.0.0.1", "-p", `${port}`, ...command]);
}

/** Asks again until it is so. */
export async function until(timeoutMs: number, what: string, isSo: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + timeoutMs;
  while (!(await isSo())) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs / 1000} s for ${what}`);
    await sleep(50);
  }
}
