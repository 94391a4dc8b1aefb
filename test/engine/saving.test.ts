import { randomBytes } from "node:crypto";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, run, withLoopFs } from "@samepage/test-support";
import { unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { guestsAt, predict, usedBytes } from "./scene.ts";

const large = 8 * 1024 * 1024;
const small = 300;
const writtenAt = 1_700_000_000;

test.for(["xfs", "btrfs"] as const)("hard links on %s: what files held together before, or inside their inodes, is not counted as freed, neither foreseen nor done", async (type, { skip, annotate }) => {
  const reason = loopFsSkipReason(type);
  skip(reason !== undefined, reason);
  await withLoopFs(type, 400, async ({ mount }) => {
    const guests = guestsAt([1, 2, 3].map((number) => join(mount, `guest-${number}`)));
    const content = randomBytes(large);
    const [first = "", second = "", third = ""] = guests.map(({ path }) => join(path, "large"));
    for (const { path } of guests) {
      await mkdir(path);
      for (let number = 0; number < small; number++) {
        await writeFile(join(path, `f${number}`), `${number} of all\n`.repeat(10));
        await utimes(join(path, `f${number}`), writtenAt, writtenAt);
      }
    }
    await writeFile(first, content);
    await utimes(first, writtenAt, writtenAt);
    // As `cp` makes copies where it can: no block of its own.
    await run("cp", ["--reflink=always", "--preserve=all", first, second]);
    await run("cp", ["--reflink=never", "--preserve=all", first, third]);
    const stateDir = join(mount, "state");
    await mkdir(stateDir);
    const options = { guests, stateDir, excludes: [], strategy: "hardlink", guard: "none" } as const;
    const before = await usedBytes(mount);
    const plan = await predict(options);
    const report = await unify(options);
    expect(report.failures).toEqual([]);
    expect(report.files.unified).toBe(2 * (small + 1));
    expect(report.bytes.reclaimed).toBe(plan.bytes.reclaimed);
    const freed = before - (await usedBytes(mount));
    await annotate(`reported ${report.bytes.reclaimed}, file system ${freed}`);
    // btrfs keeps small files inside their inodes, and frees what they and their names took when a whole node is empty.
    const most = large + 2 * small * (type === "btrfs" ? 512 : 4096);
    expect(report.bytes.reclaimed).toBe(most);
    expect(Math.abs(freed - report.bytes.reclaimed)).toBeLessThan(1024 * 1024);
  });
});
