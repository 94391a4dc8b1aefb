import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { access } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/** A real redis-server of a test's own, on a private socket, with the persistence that Samepage asks for. */
export interface TestRedis extends AsyncDisposable {
  /** As `createController` takes it. */
  readonly url: string;
  /** Of the server that runs; 0 while none does. */
  readonly pid: number;
  /** SIGKILL; its files stay. */
  kill(): Promise<void>;
  /** Starts it again on its files. */
  start(): Promise<void>;
}

/** Milliseconds for the server to open its socket, on a machine that does much else. */
const startTimeoutMs = 60_000;

/** @param dir where socket and append-only file go; an existing directory. */
export async function startRedis(dir: string, extra: readonly string[] = []): Promise<TestRedis> {
  const socket = join(dir, "redis.sock");
  let server: ChildProcess | undefined;
  const start = async () => {
    const args = ["--port", "0", "--unixsocket", socket, "--dir", dir, "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", "", ...extra];
    const child = spawn("redis-server", args, { stdio: "ignore" });
    server = child;
    const failed = once(child, "exit").then(([code]) => {
      throw new Error(`redis-server ended at once with ${String(code)}`);
    });
    failed.catch(() => {});
    await Promise.race([failed, whenThere(socket)]);
  };
  const kill = async () => {
    const child = server;
    server = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
  };
  await start();
  return {
    url: `unix:${socket}`,
    get pid() {
      return server?.pid ?? 0;
    },
    kill,
    start,
    [Symbol.asyncDispose]: kill,
  };
}

async function whenThere(socket: string): Promise<void> {
  const end = Date.now() + startTimeoutMs;
  for (;;) {
    const there = await access(socket).then(
      () => true,
      () => false,
    );
    if (there) return;
    if (Date.now() > end) throw new Error(`redis-server did not open ${socket} in ${startTimeoutMs / 1000} s`);
    await sleep(20);
  }
}
