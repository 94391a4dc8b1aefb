import { mkdir, open, statfs, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, run, withLoopFs } from "@samepage/test-support";
import { unify, verifyPool } from "@samepage/unify";
import { expect, test } from "vitest";
import { guestsAt } from "./scene.ts";

const fileBytes = 200 * 1024;
const rate = 1024 * 1024;

test("a byte that rots on the disk is reported with its object and how many names show it, and reading stays below the rate asked for", async ({ skip }) => {
  const reason = loopFsSkipReason("ext4");
  skip(reason !== undefined, reason);
  await withLoopFs("ext4", 32, async (fs) => {
    const guests = guestsAt(["one", "two"].map((name) => join(fs.mount, name)));
    for (const { path } of guests) {
      await mkdir(path);
      for (const name of ["a", "b", "c"]) {
        await writeFile(join(path, name), Buffer.alloc(fileBytes, name));
        await utimes(join(path, name), 1_700_000_000, 1_700_000_000);
      }
    }
    const stateDir = join(fs.mount, "state");
    await mkdir(stateDir);
    const options = { guests, stateDir, excludes: [], strategy: "hardlink", guard: "none" } as const;
    expect((await unify(options)).files.unified).toBe(3);
    // -s: written back, so that it has its place.
    const [, block = ""] = /^\s*0:\s+0\.\.\s+\d+:\s+(\d+)\.\./mu.exec(await run("filefrag", ["-s", "-v", join(fs.mount, "one/b")])) ?? [];
    const { bsize } = await statfs(fs.mount);
    // A new mount has nothing of it in the page cache.
    await fs.remount([], async (image) => {
      const disk = await open(image, "r+");
      await disk.write("rotten", Number(block) * bsize + 123);
      await disk.close();
      return undefined;
    });
    const report = await verifyPool({ guests, stateDir, bytesPerSecond: rate });
    expect(report.failures).toEqual([]);
    expect(report.pools.map(({ objects, bytes }) => [objects, bytes])).toEqual([[3, 3 * fileBytes]]);
    expect(report.pools[0]?.damaged.map(({ names, expected, found }) => [names, expected === found])).toEqual([[2, false]]);
    expect(report.elapsedMs).toBeGreaterThanOrEqual(((3 * fileBytes) / rate) * 1000);
  });
});
