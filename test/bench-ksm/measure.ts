import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { enrollGuest, HOST_PATHS, ksmOff, readCounters } from "@samepage/ksm";
import type { Contender } from "./contenders.ts";
import { Guests, POSSIBLE } from "./guests.ts";
import { ksmdSeconds, processSeconds } from "./processor-time.ts";

/** What one contender did. */
export interface Result {
  readonly name: string;
  readonly settings: string;
  /** Part of the possible merge reached, 0…1. */
  readonly reached: number;
  /** Seconds from the guests' opt-in to 95 %; null: not within its limit. */
  readonly seconds: number | null;
  /** ksmd's processor seconds until then. */
  readonly ksmd: number;
  /** Its own processor seconds until then. */
  readonly tuner: number;
  /** ksmd's part of a core afterwards, 0…1; null: never got there. */
  readonly idle: number | null;
  /** The machine's load average at the start: what else was going on. */
  readonly load: number;
}

const ENOUGH = 0.95;
const POLL_MS = 50;
/** ksmd's idle cost is averaged over this. */
const IDLE_SECONDS = 20;
/** A contender that settles says so within this, or is measured as it is; on a busy machine the scans that show it take long. */
const SETTLE_SECONDS = 180;

/** Runs one contender on fresh guests and puts the machine back as it was. */
export async function measure(contender: Contender, load: number): Promise<Result> {
  const directory = mkdtempSync(join(tmpdir(), "samepage-bench-ksm-"));
  const paths = contender.name.startsWith("samepage") ? HOST_PATHS : { ...HOST_PATHS, state: join(directory, "ksm.json") };
  const goal = POSSIBLE * ENOUGH;
  await using guests = await Guests.start();
  const running = await contender.start(paths);
  try {
    const own = running.pid === undefined ? 0 : processSeconds(running.pid);
    const [ksmdBefore, start] = [ksmdSeconds(), performance.now()];
    const { counts } = await enrollGuest(paths, { by: "pids", pids: guests.pids }, { denylist: [] });
    if (counts.verified !== guests.pids.length) throw new Error(`not all guests opted in: ${JSON.stringify(counts)}`);
    await running.guestsStarted?.();
    const end = start + contender.limit * 1000;
    let saved = 0;
    while (saved < goal && performance.now() < end) {
      await setTimeout(POLL_MS);
      saved = readCounters(paths.sysfs).pagesSharing;
    }
    const seconds = (performance.now() - start) / 1000;
    const ksmd = ksmdSeconds() - ksmdBefore;
    const tuner = running.pid === undefined ? 0 : processSeconds(running.pid) - own;
    const isThere = saved >= goal;
    return {
      name: contender.name,
      settings: contender.settings,
      reached: saved / POSSIBLE,
      seconds: isThere ? seconds : null,
      ksmd,
      tuner,
      idle: isThere ? await idleShare(running.settled) : null,
      load,
    };
  } finally {
    await running.stop();
    await guests[Symbol.asyncDispose]();
    await ksmOff(paths);
    rmSync(directory, { recursive: true });
  }
}

async function idleShare(settled: Promise<void> | undefined): Promise<number> {
  if (settled !== undefined) await Promise.race([settled, setTimeout(SETTLE_SECONDS * 1000)]);
  await setTimeout(2000); // the batch in progress
  const [before, start] = [ksmdSeconds(), performance.now()];
  await setTimeout(IDLE_SECONDS * 1000);
  return (ksmdSeconds() - before) / ((performance.now() - start) / 1000);
}
