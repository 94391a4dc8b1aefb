import { generateKeyPairSync, randomFillSync } from "node:crypto";
import { emptyLists, prefixesOf, publishCatalog, unionOf } from "@samepage/catalog";
import type { PrefixList } from "@samepage/catalog";
import { startRedis, temporaryDirectory } from "@samepage/test-support";
import { Redis } from "ioredis";
import type { Measured } from "./measured.ts";

const million = 1_000_000;
const millions = 10;

/** As the controller stores them. One string of 50 MB would keep twice its size, and 512 KiB with its header would take the allocator's next class of 640 KiB. */
const partBytes = 512 * 1024 - 64;

function digests(count: number): Buffer[] {
  const bytes = randomFillSync(Buffer.alloc(32 * count));
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * 32, index * 32 + 32));
}

/** Ways to keep a digest and its file's size in Redis that were considered, each filled with the same entries. */
const alternatives: [string, (redis: Redis, some: readonly Buffer[], first: number) => Promise<unknown>][] = [
  ["set of 32-byte digests", (redis, some) => redis.sadd("set", ...some)],
  ["set of 8-byte prefixes", (redis, some) => redis.sadd("prefixes", ...some.map((digest) => digest.subarray(0, 8)))],
  ["hash: digest → size", (redis, some, first) => redis.hset("hash", ...some.flatMap((digest, index) => [digest, String(first + index)]))],
  ["sorted set: digest by size", (redis, some, first) => redis.zadd("sorted", ...some.flatMap((digest, index) => [first + index, digest]))],
  ["string per digest", (redis, some, first) => redis.mset(...some.flatMap((digest, index) => [digest, String(first + index)]))],
];

async function usedBytes(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info("memory"))?.[1] ?? 0);
}

/** 10,000,000 digests as catalog segments in Redis, and the alternatives at 1,000,000, in bytes a digest as Redis counts them. */
export async function* benchRedis(): AsyncGenerator<Measured> {
  await using directory = await temporaryDirectory();
  await using server = await startRedis(directory.path, ["--appendonly", "no"]);
  const redis = new Redis({ path: server.url.slice("unix:".length) });
  try {
    yield* segments(redis);
    const some = digests(million);
    for (const [what, fill] of alternatives) {
      await redis.flushall();
      const before = await usedBytes(redis);
      for (let start = 0; start < some.length; start += 10_000) await fill(redis, some.slice(start, start + 10_000), start);
      yield { what: `Redis, ${what}`, value: ((await usedBytes(redis)) - before) / million, unit: "B each" };
    }
  } finally {
    redis.disconnect();
  }
}

async function* segments(redis: Redis): AsyncGenerator<Measured> {
  const { privateKey: key } = generateKeyPairSync("ed25519");
  let prefixes: PrefixList = emptyLists.prefixes;
  for (let i = 0; i < millions; i++) prefixes = unionOf(prefixes, prefixesOf(digests(million)));
  const published = publishCatalog(undefined, { prefixes, sizes: [] }, { domain: "bench", key, now: 0 });
  if (published === undefined) throw new Error("nothing to publish");
  const before = await usedBytes(redis);
  const start = performance.now();
  const { bytes } = published.segment;
  for (let at = 0; at < bytes.length; at += partBytes) await redis.set(`segment:${at}`, bytes.subarray(at, at + partBytes));
  await redis.set("manifest", published.signed);
  yield { what: "Redis, 10,000,000 digests as a segment: stored in", value: performance.now() - start, unit: "ms" };
  yield { what: "Redis, 10,000,000 digests as a segment", value: ((await usedBytes(redis)) - before) / (millions * million), unit: "B each" };
}
