import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "./temporary-directory.ts";

export interface RedisServer extends AsyncDisposable {
  /** `unix:/path`, as the controller's `redis` option takes it. */
  readonly address: string;
  readonly pid: number;
  /** Kills it as a power cut would (SIGKILL); its append-only file stays. */
  kill(): Promise<void>;
  /** Starts it again over the same files. */
  restart(): Promise<void>;
}

/** Why a test that needs Redis cannot run here; undefined when it can. */
export const redisSkipReason = existsSync("/usr/bin/redis-server") ? undefined : "redis-server is not installed";

/** A real redis-server of one's own, on a private socket, as the product asks for it (noeviction, append-only file). */
export async function startRedisServer(): Promise<RedisServer> {
  const directory = await temporaryDirectory("samepage-redis-");
  const socket = join(directory.path, "redis.sock");
  let running = await start(directory.path, socket);
  return {
    address: `unix:${socket}`,
    get pid() {
      return running.pid ?? 0;
    },
    kill: async () => stop(running),
    restart: async () => {
      await stop(running);
      running = await start(directory.path, socket);
    },
    [Symbol.asyncDispose]: async () => {
      await stop(running);
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function start(directory: string, socket: string) {
  const settings = ["--port", "0", "--unixsocket", socket, "--dir", directory, "--appendonly", "yes", "--maxmemory-policy", "noeviction", "--save", "", "--loglevel", "warning"];
  const child = spawn("/usr/bin/redis-server", settings, { stdio: "ignore" });
  const answers = async () => {
    const ping = spawn("/usr/bin/redis-cli", ["-s", socket, "ping"], { stdio: ["ignore", "pipe", "ignore"] });
    const [output] = await Promise.all([ping.stdout.setEncoding("utf8").toArray(), once(ping, "exit")]);
    return output.join("").trim() === "PONG";
  };
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
    await sleep(20);
  }
  return child;
}

async function stop(child: ReturnType<typeof spawn>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGKILL");
  await once(child, "exit");
}
