import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { buildCorpus } from "@samepage/test-corpus";
import { type LoopFsType, loopFsSkipReason, loopFsTypes, withLoopFs } from "@samepage/test-support";
import { deunify, unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { differences, guestsAt, inodesShared, manifests, poolDirectoryBytes, predict, strays, usedBytes } from "./scene.ts";
import { ways } from "./ways.ts";

/**
 * How far the reported saving, less the pool's own directories, may be from the file system's own figure: trees of
 * extents and of inodes grow and shrink by their own rules. On btrfs, whose df counts metadata twice (DUP) and which
 * keeps small files and all names in it, measured 3.8 to 5.8 % of the saving; elsewhere below half a per cent.
 */
const noise = (type: LoopFsType, saved: number) => saved / (type === "btrfs" ? 12 : 100) + 1024 * 1024;

/** Every third guest is an upgraded one; thorough runs have one. */
const count = process.env["SAMEPAGE_THOROUGH"] === "1" ? 4 : 2;

test.for(loopFsTypes)("real guests on %s: unified and deunified, no guest can tell, and the saving is real", { timeout: 600_000 }, async (type, { skip, annotate }) => {
  const reason = loopFsSkipReason(type);
  skip(reason !== undefined, reason);
  await withLoopFs(type, 700 + count * 500, async ({ mount }) => {
    const corpus = await buildCorpus({ directory: join(mount, "guests"), guests: count });
    const guests = guestsAt(corpus.map(({ path }) => path));
    const before = await manifests(guests);
    for (const way of ways[type]) {
      const name = `${way.strategy}, ${way.guard}`;
      const stateDir = join(mount, "state");
      await mkdir(stateDir, { recursive: true });
      const options = { guests, stateDir, ...way };
      const usedBefore = await usedBytes(mount);
      const plan = await predict(options);
      const report = await unify(options);
      expect(report.failures, name).toEqual([]);
      expect(report.files.unified, name).toBeGreaterThan(1000);
      expect(await differences(guests, before), name).toEqual([]);

      const directories = await poolDirectoryBytes(mount);
      const freed = usedBefore - (await usedBytes(mount)) + directories;
      await annotate(`${type}, ${name}: reported ${report.bytes.reclaimed}, file system ${freed} with ${directories} of pool directories, predicted ${plan.bytes.reclaimed}`);
      expect(Math.abs(report.bytes.reclaimed - freed), `${name}: reported ${report.bytes.reclaimed}, file system says ${freed}`).toBeLessThan(noise(type, freed));
      expect(plan.bytes.reclaimed, `${name}: predicted`).toBe(report.bytes.reclaimed);
      expect(plan.files.unified, `${name}: predicted`).toBe(report.files.unified);

      const second = await unify(options);
      expect({ unified: second.files.unified, reclaimed: second.bytes.reclaimed, failures: second.failures }, `${name}: second run`).toEqual({ unified: 0, reclaimed: 0, failures: [] });

      const undone = await deunify({ guests, stateDir });
      expect([undone.failures, undone.files.stillShared], name).toEqual([[], 0]);
      expect(await inodesShared(guests), name).toBe(0);
      expect(await differences(guests, before, "same"), `${name}: deunified`).toEqual([]);
      expect(strays(mount, guests).filter((path) => path !== join(mount, "guests") && path !== stateDir), name).toEqual([]);
    }
  });
});
