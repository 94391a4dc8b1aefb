import { spawn } from "node:child_process";
import { once } from "node:events";
import { stat } from "node:fs/promises";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";
import { isRedisNewEnough, redisVersion } from "../doctor/redis-version.ts";
import { startEmbeddedRedis } from "./embedded-redis.ts";

const version = await redisVersion();
const lacksRedis = version === undefined || !isRedisNewEnough(version);
const never = new AbortController().signal;

/** Rejects when nobody listens, and when a server that is ending takes the connection and closes it without a word. */
async function ask(address: string, command: string): Promise<string> {
  const connection = createConnection(address.slice("unix:".length));
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  connection.once("data", (data) => resolve(String(data)));
  connection.once("error", reject);
  connection.once("close", () => reject(new Error("closed without an answer")));
  connection.write(`${command}\r\n`);
  return promise.finally(() => connection.destroy());
}

test("the embedded Redis is private, keeps what it was told over a restart, and leaves nothing running", async ({ skip }) => {
  skip(lacksRedis, "redis-server 6.2 or newer is not installed");
  await using scratch = await temporaryDirectory();
  const first = await startEmbeddedRedis(scratch.path, never);
  expect((await stat(join(scratch.path, "redis.sock"))).mode & 0o777).toBe(0o700);
  expect(await ask(first.address, "CONFIG GET port")).toContain("\r\n0\r\n");
  expect(await ask(first.address, "CONFIG GET maxmemory-policy")).toContain("noeviction");
  await ask(first.address, "SET kept yes");
  await first.close();
  await expect(ask(first.address, "PING")).rejects.toThrow(/ENOENT|ECONNREFUSED/u);

  const second = await startEmbeddedRedis(scratch.path, never);
  expect(await ask(second.address, "GET kept")).toContain("yes");
  await expect(startEmbeddedRedis(scratch.path, never)).rejects.toThrow(/already answers/u);
  await second.close();
});

test("something else on its socket that closes without a word, or says nothing at all, does not hold it up", async ({ skip }) => {
  skip(lacksRedis, "redis-server 6.2 or newer is not installed");
  await using scratch = await temporaryDirectory();
  for (const take of [(connection: Socket) => connection.end(), () => {}]) {
    const taken = new Set<Socket>();
    const other = createServer((connection) => {
      taken.add(connection);
      // What closes such a connection is not the matter here.
      connection.on("error", () => {});
      take(connection);
    });
    other.listen(join(scratch.path, "redis.sock"));
    await once(other, "listening");
    const redis = await startEmbeddedRedis(scratch.path, never);
    expect(await ask(redis.address, "PING")).toContain("PONG");
    await redis.close();
    for (const connection of taken) connection.destroy();
    other.close();
  }
});

test("when samepage itself is killed, its Redis ends too", async ({ skip }) => {
  skip(lacksRedis, "redis-server 6.2 or newer is not installed");
  await using scratch = await temporaryDirectory();
  const program = `import { startEmbeddedRedis } from ${JSON.stringify(new URL("embedded-redis.ts", import.meta.url).href)}; const redis = await startEmbeddedRedis(${JSON.stringify(scratch.path)}, new AbortController().signal); console.log(redis.address); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { stdio: ["ignore", "pipe", "inherit"] });
  const [address] = await once(child.stdout, "data");
  child.kill("SIGKILL");
  const isGone = async (): Promise<boolean> => ask(String(address).trim(), "PING").then(() => false, () => true);
  for (let tries = 0; tries < 100 && !(await isGone()); tries++) await sleep(50);
  expect(await isGone()).toBe(true);
});
