import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { run } from "@samepage/test-support";
import { freePorts } from "./free-ports.ts";
import { persistentIn, redisCli, type RedisProcess, redisProcess, until } from "./redis-processes.ts";

/** Three masters that share the slots. */
export interface RedisClusterGroup extends AsyncDisposable {
  /** As `createController` takes it. */
  readonly url: string;
  readonly masters: readonly RedisProcess[];
}

const size = 3;

export async function startRedisCluster(dir: string): Promise<RedisClusterGroup> {
  const ports = await freePorts(2 * size);
  const stack = new AsyncDisposableStack();
  const masters: RedisProcess[] = [];
  try {
    for (let node = 0; node < size; node++) {
      const path = join(dir, `node-${node}`);
      await mkdir(path);
      // Free ports are too high for the cluster's own one to be 10,000 above.
      const clusterPort = `${ports[size + node] ?? 0}`;
      const master = redisProcess("redis-server", ports[node] ?? 0, [...persistentIn(path), "--cluster-enabled", "yes", "--cluster-port", clusterPort, "--cluster-node-timeout", "2000"]);
      stack.defer(async () => master.kill());
      await master.start();
      masters.push(master);
    }
    const addresses = masters.map(({ port }) => `127.0.0.1:${port}`);
    await run("redis-cli", ["--cluster", "create", ...addresses, "--cluster-yes"]);
    for (const { port } of masters) await until(60_000, "the cluster to be whole", async () => (await redisCli(port, "cluster", "info")).includes("cluster_state:ok"));
    return { url: `redis+cluster://${addresses.join(",")}`, masters, [Symbol.asyncDispose]: async () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
