import { existsSync, readFileSync } from "node:fs";
import { statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loopFsSkipReason, loopFsTypes, withLoopFs } from "./index.ts";

test.for(loopFsTypes)("%s: a mounted file system of its own, kept over a remount, gone afterwards", async (type, { skip }) => {
  const reason = loopFsSkipReason(type);
  skip(reason !== undefined, reason);
  const { mount, image } = await withLoopFs(type, 64, async (fs) => {
    await writeFile(join(fs.mount, "file"), "kept");
    await fs.remount(["ro"]);
    expect(readFileSync(join(fs.mount, "file"), "utf8")).toBe("kept");
    await expect(writeFile(join(fs.mount, "file"), "no")).rejects.toThrow(/EROFS/u);
    expect((await statfs(fs.mount)).blocks).toBeGreaterThan(0);
    return fs;
  });
  expect(existsSync(mount)).toBe(false);
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(mount);
  expect(existsSync(image)).toBe(false);
});

test("many at once do not take each other's loop devices", async ({ skip }) => {
  const reason = loopFsSkipReason("ext4");
  skip(reason !== undefined, reason);
  const contents = await Promise.all(
    [1, 2, 3, 4, 5, 6].map(async (number) =>
      withLoopFs("ext4", 16, async (fs) => {
        await writeFile(join(fs.mount, "number"), String(number));
        await fs.remount();
        return Number(readFileSync(join(fs.mount, "number"), "utf8"));
      }),
    ),
  );
  expect(contents).toEqual([1, 2, 3, 4, 5, 6]);
});
