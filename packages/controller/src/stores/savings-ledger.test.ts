import { existsSync } from "node:fs";
import { startRedis, temporaryDirectory, type TemporaryDirectory, type TestRedis } from "@samepage/test-support";
import { Report } from "@samepage/proto";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { connectRedis } from "../redis/connect-redis.ts";
import { createSavingsLedger, type SavingsLedger } from "./savings-ledger.ts";

const hour = 3_600_000;

describe.skipIf(!existsSync("/usr/bin/redis-server"))("the savings ledger (needs redis-server)", () => {
  let directory: TemporaryDirectory;
  let redis: TestRedis;
  let client: Awaited<ReturnType<typeof connectRedis>>;
  let ledger: SavingsLedger;
  beforeAll(async () => {
    directory = await temporaryDirectory("samepage-savings-");
    redis = await startRedis(directory.path);
    client = await connectRedis(redis.url, "store", pino({ level: "silent" }));
    ledger = createSavingsLedger(client);
  });
  beforeEach(async () => {
    await client.flushall();
  });
  afterAll(async () => {
    client.disconnect();
    await redis[Symbol.asyncDispose]();
    await directory[Symbol.asyncDispose]();
  });

  test("a report that is delivered twice counts once", async () => {
    const report = unified("job-1", 1000n, 300n);
    await ledger.record("a", report, 0);
    await ledger.record("a", report, 0);
    expect(await ledger.read()).toMatchObject({ diskBytes: 1000, pageCacheBytes: 300 });
  });

  test("disk adds up over jobs, page cache is each host's newest, and deunify takes back", async () => {
    await ledger.record("a", unified("job-1", 1000n, 300n), 0);
    await ledger.record("a", unified("job-2", 50n, 200n), hour);
    await ledger.record("b", unified("job-3", 500n, 100n), hour);
    await ledger.record("b", Report.fromPartial({ jobId: "job-4", fence: 1n, result: { $case: "deunify", value: { bytesTaken: 500n } } }), 2 * hour);
    expect(await ledger.read()).toEqual({
      diskBytes: 1050,
      pageCacheBytes: 200,
      ksmBytes: 0,
      history: [
        { at: "1970-01-01T00:00:00.000Z", diskBytes: 1000, pageCacheBytes: 300, ksmBytes: 0 },
        { at: "1970-01-01T01:00:00.000Z", diskBytes: 1550, pageCacheBytes: 300, ksmBytes: 0 },
        { at: "1970-01-01T02:00:00.000Z", diskBytes: 1050, pageCacheBytes: 200, ksmBytes: 0 },
      ],
    });
  });

  test("KSM is a figure of its own: each host's newest job, and a rollback gives it back", async () => {
    await ledger.record("a", unified("job-1", 1000n, 300n), 0);
    await ledger.record("a", merged("job-2", 70n), 0);
    await ledger.record("b", merged("job-3", 30n), 0);
    await ledger.record("b", merged("job-4", -5n), 0);
    expect(await ledger.read()).toMatchObject({ diskBytes: 1000, pageCacheBytes: 300, ksmBytes: 65 });
    await ledger.record("a", merged("job-5", 70n, true), hour);
    expect(await ledger.read()).toMatchObject({ diskBytes: 1000, pageCacheBytes: 300, ksmBytes: -5, history: [{ ksmBytes: 65 }, { ksmBytes: -5 }] });
  });

  test("a dry run saves nothing", async () => {
    await ledger.record("a", Report.fromPartial({ jobId: "job-1", fence: 1n, result: { $case: "unify", value: { dryRun: true, bytesReclaimed: 9n } } }), 0);
    expect(await ledger.read()).toEqual({ diskBytes: 0, pageCacheBytes: 0, ksmBytes: 0, history: [] });
  });

  test("history is bounded", async () => {
    await ledger.record("a", unified("job-1", 1n, 0n), 0);
    await ledger.record("a", unified("job-2", 1n, 0n), 91 * 24 * hour);
    expect((await ledger.read()).history).toHaveLength(1);
  });
});

function unified(jobId: string, bytesReclaimed: bigint, pageCacheSaved: bigint): Report {
  return Report.fromPartial({ jobId, fence: 1n, result: { $case: "unify", value: { bytesReclaimed, pageCacheSaved } } });
}

function merged(jobId: string, generalProfit: bigint, restored = false): Report {
  return Report.fromPartial({ jobId, fence: 1n, result: { $case: "ksm", value: { generalProfit, restored } } });
}
