import { fstatSync } from "node:fs";
import { appendFile, link, mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, withLoopFs } from "@samepage/test-support";
import { describe, expect, test } from "vitest";
import type { InodeGuard, UnifyOptions } from "./index.ts";
import { applyPlan, deunify, planUnify, unify } from "./index.ts";

const reason = loopFsSkipReason("ext4");
const time = 1_700_000_000;

/** What the engine asks of a guard: the kernel's part is tested in a virtual machine. */
class RecordingGuard implements InodeGuard {
  readonly marked = new Set<bigint>();
  readonly unmarked: bigint[] = [];
  /** With the names the inode had when the guard was told. */
  readonly retired: { ino: bigint; names: number }[] = [];

  async mark(files: Parameters<InodeGuard["mark"]>[0]): Promise<void> {
    for (const { ino } of files) this.marked.add(ino);
  }
  async unmark(files: Parameters<InodeGuard["unmark"]>[0]): Promise<void> {
    for (const { ino } of files) this.unmarked.push(ino);
  }
  async retire(files: Parameters<InodeGuard["retire"]>[0]): Promise<void> {
    for (const { fd, ino } of files) this.retired.push({ ino, names: fstatSync(fd).nlink });
  }
}

async function plant(mount: string): Promise<[string, string]> {
  const paths: [string, string] = [join(mount, "one"), join(mount, "two")];
  for (const path of paths) {
    await mkdir(join(path, "usr"), { recursive: true });
    for (const name of ["alone", "tool"]) {
      await writeFile(join(path, "usr", name), `content of ${name} `.repeat(300));
      await utimes(join(path, "usr", name), time, time);
    }
    await link(join(path, "usr/tool"), join(path, "usr/tool-5.40"));
  }
  return paths;
}

const options = (paths: readonly string[], mount: string, more: Partial<UnifyOptions>): UnifyOptions => ({
  guests: paths.map((path) => ({ name: path, path, domain: "default", state: "stopped" })),
  strategy: "hardlink",
  stateDir: join(mount, "state"),
  ...more,
});

const inodeOf = async (path: string) => (await stat(path)).ino;

describe.skipIf(reason !== undefined)(`under the copy-on-write guard${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  test("a file of several names in one guest is not shared, since a write through one would part it from the others", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const [one, two] = await plant(mount);
      const report = await unify(options([one, two], mount, { guard: "cow", cowGuard: new RecordingGuard() }));
      expect(report.files).toMatchObject({ unified: 1, skipped: { "own-links": 4 } });
      expect(await inodeOf(join(one, "usr/tool"))).toBe(await inodeOf(join(one, "usr/tool-5.40")));
      expect(await inodeOf(join(one, "usr/tool"))).not.toBe(await inodeOf(join(two, "usr/tool")));
      // Where a write is refused instead, nothing can be parted.
      const refusing = await unify(options([one, two], mount, { guard: "immutable" }));
      expect(refusing.files).toMatchObject({ unified: 2 });
      await deunify(options([one, two], mount, {}));
    });
  });

  test("deunify gives nobody the shared inode, which guests may hold still, and its mark is not lifted but follows it", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const [one, two] = await plant(mount);
      const cowGuard = new RecordingGuard();
      await unify(options([one, two], mount, { guard: "cow", cowGuard }));
      const shared = await inodeOf(join(one, "usr/alone"));
      expect(await inodeOf(join(two, "usr/alone"))).toBe(shared);
      const content = await readFile(join(one, "usr/alone"), "utf8");
      const report = await deunify(options([one, two], mount, { cowGuard }));
      // Two copies for two names, less the shared inode that went.
      expect(report).toMatchObject({ files: { deunified: 2 }, bytes: { copied: 2 * content.length, taken: (await stat(join(one, "usr/alone"))).blocks * 512 } });
      for (const guest of [one, two]) {
        expect(await inodeOf(join(guest, "usr/alone"))).not.toBe(shared);
        expect(await readFile(join(guest, "usr/alone"), "utf8")).toBe(content);
      }
      expect(cowGuard.unmarked).toEqual([]);
      expect(cowGuard.retired).toEqual([{ ino: BigInt(shared), names: 0 }]);
    });
  });

  test("only marks of files that came to share nothing are lifted", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const [one, two] = await plant(mount);
      for (const guest of [one, two]) {
        await writeFile(join(guest, "usr/changes"), "as it was ".repeat(500));
        await utimes(join(guest, "usr/changes"), time, time);
      }
      const cowGuard = new RecordingGuard();
      using plan = await planUnify(options([one, two], mount, { guard: "cow", cowGuard }));
      await appendFile(join(two, "usr/changes"), "and is"); // the older one, which the other's name would have become a link to, is marked
      const report = await applyPlan(plan, options([one, two], mount, { guard: "cow", cowGuard }));
      expect(report.files.unified).toBe(1);
      expect(cowGuard.marked).toContain(BigInt(await inodeOf(join(one, "usr/alone"))));
      expect(cowGuard.unmarked).toEqual([BigInt(await inodeOf(join(one, "usr/changes")))]);
    });
  });
});
