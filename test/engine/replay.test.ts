import { copyFile, mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { type LoopFsType, loopFsSkipReason, run, temporaryDirectory, withLoopFs } from "@samepage/test-support";
import { unify, unifyStatus } from "@samepage/unify";
import { expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differencesAfterCrash, guestsAt, manifests } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";
import { openWatchedDisk, watchedDiskSkipReason } from "./watched-disk.ts";
import { type Way, ways } from "./ways.ts";
import { type LoggedRequest, readWriteLog, replay } from "./write-log.ts";

const thorough = process.env["SAMEPAGE_THOROUGH"] === "1";
/** Moments at which the power goes, for each file system and way. */
const cuts = thorough ? 50 : 2;

// btrfs has no shutdown ioctl, so that this is all there is for it; the others have power-loss.test.ts as well.
const cases: readonly [LoopFsType, Way][] = thorough
  ? (["ext4", "xfs", "btrfs"] as const).flatMap((type) => ways[type].map((way): [LoopFsType, Way] => [type, way]))
  : [["ext4", { strategy: "hardlink", guard: "immutable" }], ["btrfs", { strategy: "hardlink", guard: "none" }]];

test.for(cases)("every write of unify and deunify on %s with %o recorded, and played again up to any moment: every name has its full old content", { timeout: 3_600_000 }, async ([type, way], { skip, annotate }) => {
  const reason = loopFsSkipReason(type) ?? watchedDiskSkipReason();
  skip(reason !== undefined, reason);
  await using work = await temporaryDirectory();
  // Goes after the file system on it, whatever happens.
  await using disks = new AsyncDisposableStack();
  await withLoopFs(type, 64, async (fs) => {
    const guests = guestsAt([1, 2, 3].map((number) => join(fs.mount, `guest-${number}`)));
    for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, 60);
    const stateDir = join(fs.mount, "state");
    await mkdir(stateDir);
    const before = await manifests(guests);
    const options = { guests, stateDir, ...way };

    const start = join(work.path, "start");
    let log = "";
    await fs.remount([], async (image) => {
      await run("cp", ["--sparse=always", image, start]);
      const disk = disks.use(await openWatchedDisk(work.path, image));
      ({ log } = disk);
      return disk.path;
    });
    for (const verb of ["unify", "deunify"] as const) {
      const { report, stderr } = await runEngine(verb, options);
      expect(report?.failures, stderr).toEqual([]);
    }
    await fs.remount(["ro"], async () => {
      await disks.disposeAsync();
      return undefined;
    });

    const requests = readWriteLog(log);
    const moments = Array.from({ length: cuts }, () => Math.floor(Math.random() * requests.length)).sort((a, b) => a - b);
    await annotate(`${requests.length} requests, ${requests.filter(({ isFlush }) => isFlush).length} flushes; power lost after ${moments.join(", ")}`);
    let done = 0;
    for (const moment of moments) {
      const { durable, volatile } = whatCounts(requests.slice(0, moment + 1));
      replay(log, durable.slice(done), start);
      done = durable.length;
      // What no flush has covered yet a disk may have written, or not, in any order.
      const lucky = volatile.filter(({ isDurable }) => isDurable || Math.random() < 0.5);
      const when = `power lost after request ${moment} of ${requests.length}, ${lucky.length} of the last ${volatile.length} written`;
      // A file of its own: mount namespaces that others made meanwhile may keep what was mounted before.
      await fs.remount([], async () => {
        const played = join(work.path, "played");
        await rm(played, { force: true });
        await copyFile(start, played);
        replay(log, lucky, played);
        return played;
      });
      expect(await differencesAfterCrash(guests, before, "before-next"), when).toEqual([]);
      expect((await unify(options)).failures, when).toEqual([]);
      expect(await differencesAfterCrash(guests, before, "after-next"), when).toEqual([]);
      expect((await unifyStatus(options)).pools.map(({ pending }) => pending), when).toEqual(way.strategy === "hardlink" ? [0] : []);
    }
  });
});

/** What is on the medium for certain, and what may be. */
function whatCounts(requests: readonly LoggedRequest[]): { durable: LoggedRequest[]; volatile: LoggedRequest[] } {
  const flushed = requests.findLastIndex(({ isFlush }) => isFlush);
  // A request that flushes does so before it writes.
  return { durable: requests.slice(0, Math.max(flushed, 0)), volatile: requests.slice(Math.max(flushed, 0)) };
}
