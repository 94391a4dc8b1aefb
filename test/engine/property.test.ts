import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type LoopFsType, loopFsSkipReason, loopFsTypes, withLoopFs } from "@samepage/test-support";
import { deunify, unify } from "@samepage/unify";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { plantRandomTree, randomTree } from "./random-tree.ts";
import { differences, guestsAt, inodesShared, manifests, predict, usedBytes } from "./scene.ts";
import { type Way, ways } from "./ways.ts";

/** Trees for each file system and way. Thorough: 100. */
const numRuns = process.env["SAMEPAGE_THOROUGH"] === "1" ? 100 : 6;

const cases = loopFsTypes.flatMap((type) => ways[type].map((way): [LoopFsType, Way] => [type, way]));

test.for(cases)("any trees on %s, %o: unify then deunify gives the start, and the plan foresaw what apply did", { timeout: 900_000 }, async ([type, way], { skip }) => {
  const reason = loopFsSkipReason(type);
  skip(reason !== undefined, reason);
  await withLoopFs(type, 400, async ({ mount }) => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(randomTree, { minLength: 1, maxLength: 3 }), async (trees) => {
        round++;
        const guests = guestsAt(trees.map((_, index) => join(mount, `round-${round}/guest-${index}`)));
        const foreign: Buffer[] = [];
        for (const [index, tree] of trees.entries()) {
          await mkdir(guests[index]?.path ?? "", { recursive: true });
          foreign.push(...(await plantRandomTree(guests[index]?.path ?? "", tree, { hasProjects: type === "xfs", foreign })));
        }
        const stateDir = join(mount, "state");
        await mkdir(stateDir, { recursive: true });
        const options = { guests, stateDir, excludes: [], minSize: 1, ...way };
        const before = await manifests(guests);
        // Guests may have had names of one file before; what was not unified stays as it was.
        const sharedBefore = await inodesShared(guests);
        const usedBefore = await usedBytes(mount);

        const plan = await predict(options);
        expect(await differences(guests, before)).toEqual([]);
        const report = await unify(options);
        expect(report.failures).toEqual([]);
        expect(await differences(guests, before)).toEqual([]);
        expect([report.files.unified, report.bytes.reclaimed]).toEqual([plan.files.unified, plan.bytes.reclaimed]);
        // Directories of the pool, the state, and the file system's own trees: a few blocks, at trees of this size.
        expect(Math.abs(usedBefore - (await usedBytes(mount)) - report.bytes.reclaimed)).toBeLessThan(2 * 1024 * 1024);
        expect((await unify(options)).files.unified).toBe(0);

        const undone = await deunify({ guests, stateDir });
        expect(undone.failures).toEqual([]);
        expect(await differences(guests, before, "same")).toEqual([]);
        expect(await inodesShared(guests)).toBeLessThanOrEqual(sharedBefore);
      }),
      { numRuns, endOnFailure: true },
    );
  });
});
