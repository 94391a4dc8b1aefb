import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePorts } from "./free-ports.ts";
import { persistentIn, redisCli, redisProcess, until } from "./redis-processes.ts";

/** A master, a replica and three Sentinels that watch them. */
export interface SentinelGroup extends AsyncDisposable {
  /** As `createController` takes it. */
  readonly url: string;
  /** SIGKILL to the master; resolves when the Sentinels have made the replica the master. */
  failOver(): Promise<void>;
  /** Starts the former master again; resolves when it follows the new one. */
  bringBack(): Promise<void>;
}

/** How long the master is silent before the Sentinels take it for dead, milliseconds. */
const downAfterMs = 1000;

/** Milliseconds for the Sentinels to agree: one that was not run for 2 s (a busy machine) trusts no clock and does nothing for the 30 s after. */
const agreeMs = 120_000;

export async function startSentinelGroup(dir: string): Promise<SentinelGroup> {
  const [masterPort, replicaPort, ...sentinelPorts] = await freePorts(5);
  const stack = new AsyncDisposableStack();
  const directory = async (name: string) => {
    const path = join(dir, name);
    await mkdir(path);
    return path;
  };
  const master = redisProcess("redis-server", masterPort, persistentIn(await directory("master")));
  const replica = redisProcess("redis-server", replicaPort, [...persistentIn(await directory("replica")), "--replicaof", `127.0.0.1 ${masterPort}`]);
  try {
    for (const server of [master, replica]) {
      stack.defer(async () => server.kill());
      await server.start();
    }
    await until(agreeMs, "the replica to be in step", async () => (await redisCli(replicaPort, "info", "replication")).includes("master_link_status:up"));
    for (const port of sentinelPorts) {
      // Sentinel writes what it learns into its file.
      const file = join(await directory(`sentinel-${port}`), "sentinel.conf");
      const settings = [`monitor samepage 127.0.0.1 ${masterPort} 2`, `down-after-milliseconds samepage ${downAfterMs}`, "failover-timeout samepage 4000"];
      await writeFile(file, settings.map((setting) => `sentinel ${setting}\n`).join(""));
      const sentinel = redisProcess("redis-sentinel", port, [file]);
      stack.defer(async () => sentinel.kill());
      await sentinel.start();
    }
    const sentinelPort = sentinelPorts[0] ?? 0;
    const seen = async () => redisCli(sentinelPort, "sentinel", "master", "samepage");
    await until(agreeMs, "the Sentinels to know each other", async () => /num-other-sentinels\n2\n/u.test(await seen()) && /num-slaves\n1\n/u.test(await seen()));
    return {
      url: `redis+sentinel://${sentinelPorts.map((port) => `127.0.0.1:${port}`).join(",")}/samepage`,
      failOver: async () => {
        await master.kill();
        await until(agreeMs, "the Sentinels to make the replica the master", async () => (await redisCli(sentinelPort, "sentinel", "get-master-addr-by-name", "samepage")).includes(`${replicaPort}`));
      },
      bringBack: async () => {
        await master.start();
        await until(agreeMs, "the former master to follow", async () => (await redisCli(masterPort, "role")).startsWith("slave"));
      },
      [Symbol.asyncDispose]: async () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
