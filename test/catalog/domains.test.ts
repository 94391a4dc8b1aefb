import { cp, mkdir, readdir, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, loopFsTypes, withLoopFs } from "@samepage/test-support";
import { applyPlan, planUnify, type UnifyOptions } from "@samepage/unify";
import { describe, expect, test } from "vitest";

const files = Array.from({ length: 30 }, (_, at) => [`usr/lib/file-${at}`, `content ${at} `.repeat(700)] as const);

async function plant(mount: string, guests: readonly string[]): Promise<void> {
  const [first = "", ...others] = guests.map((name) => join(mount, name));
  await mkdir(join(first, "usr/lib"), { recursive: true });
  for (const [path, content] of files) {
    await writeFile(join(first, path), content);
    // A whole second: copying keeps no finer times.
    await utimes(join(first, path), 1_700_000_000, 1_700_000_000);
  }
  for (const other of others) await cp(first, other, { recursive: true, preserveTimestamps: true });
}

async function inodesOf(mount: string, guest: string): Promise<Set<number>> {
  return new Set(await Promise.all(files.map(async ([path]) => (await stat(join(mount, guest, path))).ino)));
}

describe.each(loopFsTypes)("on %s", (type) => {
  const reason = loopFsSkipReason(type);

  test.skipIf(reason !== undefined)(`identical trees of two domains share no inode and no pool object, in the plan and after it${reason === undefined ? "" : ` (skipped: ${reason})`}`, async () => {
    await withLoopFs(type, type === "xfs" ? 320 : 128, async ({ mount }) => {
      await plant(mount, ["blue-1", "blue-2", "red-1", "red-2"]);
      const guest = (name: string) => ({ name, path: join(mount, name), domain: name.split("-")[0] ?? "", state: "stopped" as const });
      const options = (names: readonly string[]): UnifyOptions => ({ guests: names.map(guest), strategy: "hardlink", guard: "none", stateDir: join(mount, "state") });
      // One guest of each domain: there is nothing that may be shared, and the plan says so.
      using alone = await planUnify(options(["blue-1", "red-1"]));
      expect(alone.report).toMatchObject({ files: { unified: 0, skipped: { unique: 2 * files.length } }, bytes: { reclaimed: 0 } });
      using plan = await planUnify(options(["blue-1", "blue-2", "red-1", "red-2"]));
      expect(plan.report.files.unified).toBe(2 * files.length);
      await applyPlan(plan, options(["blue-1", "blue-2", "red-1", "red-2"]));
      const [blue1, blue2, red1, red2] = await Promise.all(["blue-1", "blue-2", "red-1", "red-2"].map(async (name) => inodesOf(mount, name)));
      expect(blue1).toEqual(blue2);
      expect(red1).toEqual(red2);
      expect(blue1?.isDisjointFrom(red1 ?? new Set())).toBe(true);
      // Pool objects carry their domain in their names: each content twice, and each of them an inode of one domain only.
      const objects = (await readdir(join(mount, ".samepage/pool"), { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
      const tags = Map.groupBy(objects, ({ name }) => name.slice(65, 73));
      expect([...tags.values()].map(({ length }) => length)).toEqual([files.length, files.length]);
      const inodes = await Promise.all([...tags.values()].map(async (members) => new Set(await Promise.all(members.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).ino)))));
      expect(inodes[0]?.isDisjointFrom(inodes[1] ?? new Set())).toBe(true);
      for (const set of inodes) expect([blue1, red1]).toContainEqual(set);
    });
  });
});
