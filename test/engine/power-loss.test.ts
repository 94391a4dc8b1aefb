import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { loopFsSkipReason, run, withLoopFs } from "@samepage/test-support";
import { unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differencesAfterCrash, guestsAt, manifests, usedBytes } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";
import { ways } from "./ways.ts";

/** Power cuts for each way. Thorough: 30. */
const cuts = process.env["SAMEPAGE_THOROUGH"] === "1" ? 30 : 1;

// btrfs has no shutdown ioctl in this kernel.
const cases = (["ext4", "xfs"] as const).flatMap((type) => ways[type].map(({ strategy, guard }) => ({ type, strategy, guard })));

test.for(cases)("power lost at a random moment of apply ($type, $strategy, $guard): every name has its full old content", { timeout: 600_000 }, async ({ type, ...way }, { skip }) => {
  const reason = loopFsSkipReason(type);
  skip(reason !== undefined, reason);
  await withLoopFs(type, 300, async (fs) => {
    let longest = 0;
    for (let round = 0; round <= cuts; round++) {
      const guests = guestsAt([1, 2, 3].map((number) => join(fs.mount, `round-${round}/guest-${number}`)));
      for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, 150);
      const stateDir = join(fs.mount, `round-${round}/state`);
      await mkdir(stateDir);
      // What the guests hold is durable before the run; what the run does must keep it so.
      await usedBytes(fs.mount);
      const before = await manifests(guests);
      const options = { guests, stateDir, ...way };
      const started = performance.now();
      // The first round is let run, to know how long it takes; the cut comes after it, before anything was synced.
      const running = runEngine("unify", options);
      if (round > 0) await sleep(Math.random() * longest);
      else longest = await running.then(() => performance.now() - started);
      const moment = `cut after ${(performance.now() - started).toFixed(0)} ms`;
      // XFS_FSOP_GOING_FLAGS_NOLOGFLUSH, the default: nothing more reaches the disk, not even the log in memory.
      await run("xfs_io", ["-x", "-c", "shutdown", fs.mount]);
      await running;
      await fs.remount();
      expect(await differencesAfterCrash(guests, before, "before-next"), moment).toEqual([]);
      const report = await unify(options);
      expect(report.failures, moment).toEqual([]);
      expect(await differencesAfterCrash(guests, before, "after-next"), moment).toEqual([]);
      expect((await unify(options)).files.unified, moment).toBe(0);
    }
  });
});
