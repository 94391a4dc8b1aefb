import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { checkOptions } from "./check-options.ts";
import { escapeName } from "./escape-name.ts";
import { openGuestRoots } from "./guest-root.ts";
import { type PoolObject, poolObjects } from "./pool-objects.ts";
import { PoolPlace, poolPath } from "./pool-place.ts";
import type { VerifyReport } from "./pool-report.ts";
import { RunControl } from "./run-control.ts";
import type { PoolOptions } from "./unify-options.ts";

const blockBytes = 1024 * 1024;

/** Re-reads every object against the digest in its name. */
export async function verifyPools(options: PoolOptions): Promise<VerifyReport> {
  const started = performance.now();
  checkOptions(options);
  using roots = openGuestRoots(options.guests);
  using run = new RunControl(options);
  const failures: VerifyReport["failures"][number][] = [];
  const pools: VerifyReport["pools"][number][] = [];
  const pace = new Pace(options.bytesPerSecond);
  for (const top of new Set(roots.all.map((root) => root.top))) {
    if (!PoolPlace.exists(top)) continue;
    const path = poolPath(top);
    const pool = { path, objects: 0, bytes: 0, damaged: new Array<VerifyReport["pools"][number]["damaged"][number]>() };
    for await (const object of poolObjects(path)) {
      if (run.stopped !== undefined) break;
      try {
        const { digest, size, names } = await digestOf(object, pace, run);
        pool.objects++;
        pool.bytes += size;
        if (digest !== object.digest) pool.damaged.push({ object: object.path, expected: object.digest, found: digest, names: names - 1 });
      } catch (error) {
        if (run.stopped !== undefined) break;
        const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "EIO";
        failures.push({ guest: "pool", path: escapeName(object.path), code, message: error instanceof Error ? error.message : String(error) });
      }
    }
    pools.push(pool);
  }
  return { pools, failures, ...(run.stopped === undefined ? {} : { stopped: run.stopped }), elapsedMs: Math.round(performance.now() - started) };
}

async function digestOf(object: PoolObject, pace: Pace, run: RunControl): Promise<{ digest: string; size: number; names: number }> {
  await using file = await open(object.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const { size, nlink } = await file.stat();
  const hash = createHash("sha256");
  const block = Buffer.allocUnsafe(blockBytes);
  for (let at = 0; ; ) {
    await run.rested();
    run.signal.throwIfAborted();
    const { bytesRead } = await file.read(block, 0, blockBytes, at);
    if (bytesRead === 0) break;
    hash.update(block.subarray(0, bytesRead));
    at += bytesRead;
    await pace.charge(bytesRead, run.signal);
  }
  return { digest: hash.digest("hex"), size, names: nlink };
}

/** Keeps reading below a rate by waiting. */
class Pace {
  readonly #perSecond: number;
  readonly #started = performance.now();
  #spent = 0;

  constructor(bytesPerSecond: number | undefined) {
    this.#perSecond = bytesPerSecond ?? Number.POSITIVE_INFINITY;
  }

  async charge(bytes: number, signal: AbortSignal): Promise<void> {
    this.#spent += bytes;
    const ahead = (this.#spent / this.#perSecond) * 1000 - (performance.now() - this.#started);
    if (ahead > 0) await sleep(ahead, undefined, { signal });
  }
}
