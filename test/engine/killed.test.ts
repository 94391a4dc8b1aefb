import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type LoopFsType, loopFsSkipReason, loopFsTypes, withLoopFs } from "@samepage/test-support";
import { applyPlan, deunify, planUnify, unify, unifyStatus } from "@samepage/unify";
import { expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differences, differencesAfterCrash, guestsAt, inodesShared, manifests } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";
import { type Way, ways } from "./ways.ts";

/** Kills in all, over all file systems and ways. Thorough: 200; `npm test` takes some. */
const kills = process.env["SAMEPAGE_THOROUGH"] === "1" ? 200 : 16;

const cases = loopFsTypes.flatMap((type) => ways[type].map((way): [LoopFsType, Way] => [type, way]));

test.for(cases)("killed at random moments on %s with %o, guests stay whole and the next run finishes", { timeout: 600_000 }, async ([type, way], { skip }) => {
  const reason = loopFsSkipReason(type);
  skip(reason !== undefined, reason);
  await withLoopFs(type, 200, async ({ mount }) => {
    let longest = 0;
    for (let round = 0; round <= Math.ceil(kills / cases.length); round++) {
      const guests = guestsAt([1, 2, 3].map((number) => join(mount, `round-${round}/guest-${number}`)));
      for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, 150);
      const stateDir = join(mount, "state");
      await mkdir(stateDir, { recursive: true });
      const options = { guests, stateDir, ...way };
      const before = await manifests(guests);
      const started = performance.now();
      // The first round is let run, to know how long it takes.
      const moment = round === 0 ? undefined : Math.random() * longest;
      const end = await runEngine("unify", options, {
        started: (child) => {
          if (moment !== undefined) void sleep(moment).then(() => child.kill("SIGKILL"));
        },
      });
      if (round === 0) longest = performance.now() - started;
      const when = `killed after ${moment?.toFixed(0)} ms (${end.signal ?? end.code} ${end.stderr})`;
      expect(await differencesAfterCrash(guests, before, "before-next"), when).toEqual([]);
      // As an agent does it; the plan was made before what the killed run left was settled.
      using plan = await planUnify(options);
      const report = await applyPlan(plan, options);
      expect(report.failures, when).toEqual([]);
      expect(await differencesAfterCrash(guests, before, "after-next"), when).toEqual([]);
      expect((await unifyStatus(options)).pools.reduce((sum, { pending }) => sum + pending, 0), when).toBe(0);
      expect((await unify(options)).files.unified, when).toBe(0);
      expect((await inodesShared(guests)) > 50, when).toBe(way.strategy === "hardlink");
    }
  });
});

/** Kills of deunify for each file system. Thorough: 30. */
const returns = process.env["SAMEPAGE_THOROUGH"] === "1" ? 30 : 3;

test.for(loopFsTypes.flatMap((type) => ways[type].filter(({ strategy }) => strategy === "hardlink").map((way): [LoopFsType, Way] => [type, way])))(
  "deunify killed at random moments on %s with %o: guests stay whole, and the next deunify gives the start, hard links too",
  { timeout: 600_000 },
  async ([type, way], { skip }) => {
    const reason = loopFsSkipReason(type);
    skip(reason !== undefined, reason);
    await withLoopFs(type, 200, async ({ mount }) => {
      const guests = guestsAt([1, 2, 3].map((number) => join(mount, `guest-${number}`)));
      for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, 200);
      const stateDir = join(mount, "state");
      await mkdir(stateDir);
      const options = { guests, stateDir, ...way };
      const before = await manifests(guests);
      let longest = 0;
      for (let round = 0; round <= returns; round++) {
        expect((await unify(options)).failures).toEqual([]);
        const started = performance.now();
        const moment = round === 0 ? undefined : longest * (0.3 + 0.7 * Math.random());
        const end = await runEngine("deunify", options, {
          started: (child) => {
            if (moment !== undefined) void sleep(moment).then(() => child.kill("SIGKILL"));
          },
        });
        if (round === 0) longest = performance.now() - started;
        const when = `killed after ${moment?.toFixed(0)} ms (${end.signal ?? end.code} ${end.stderr})`;
        expect(await differencesAfterCrash(guests, before, "before-next"), when).toEqual([]);
        const report = await deunify(options);
        expect(report.failures, when).toEqual([]);
        expect(await differences(guests, before, "same"), when).toEqual([]);
        expect(await inodesShared(guests), when).toBe(0);
      }
    });
  },
);
