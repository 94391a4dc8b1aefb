import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, stat, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, withLoopFs } from "@samepage/test-support";
import { describe, expect, test } from "vitest";
import type { Guest, UnifyOptions } from "./index.ts";
import { applyPlan, collectGarbage, planUnify, unify, unifyStatus, verifyPool } from "./index.ts";

const reason = loopFsSkipReason("ext4");

const guest = (path: string, domain = "default"): Guest => ({ name: path, path, domain, state: "stopped" });

/** Guests of `files` equal files each. */
async function plant(mount: string, names: readonly string[], files = 20): Promise<string[]> {
  const paths = names.map((name) => join(mount, name));
  for (const path of paths) {
    await mkdir(join(path, "usr"), { recursive: true });
    for (let file = 0; file < files; file++) {
      const name = join(path, "usr", `file-${file}`);
      await writeFile(name, `content of file ${file} `.repeat(300));
      await utimes(name, 1_700_000_000, 1_700_000_000);
    }
  }
  return paths;
}

const options = (paths: readonly string[], mount: string, more: Partial<UnifyOptions> = {}): UnifyOptions => ({
  guests: paths.map((path) => guest(path)),
  strategy: "hardlink",
  guard: "none",
  stateDir: join(mount, "state"),
  ...more,
});

describe.skipIf(reason !== undefined)(`on ext4${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  test("bad input is one error with its code, and nothing is made", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const [one = "", two = ""] = await plant(mount, ["one", "two"]);
      await writeFile(join(mount, "file"), "");
      await symlink(one, join(mount, "link"));
      const code = (of: Partial<UnifyOptions>) => planUnify(options([one, two], mount, of)).then(() => "none", (error: unknown) => (error instanceof Error && "code" in error ? error.code : error));
      expect(await code({ guests: [] })).toBe("no-guests");
      expect(await code({ guests: [guest(join(mount, "missing"))] })).toBe("path-missing");
      expect(await code({ guests: [guest(join(mount, "file"))] })).toBe("not-a-directory");
      expect(await code({ guests: [guest(one), guest(join(one, "usr"))] })).toBe("nested-guests");
      expect(await code({ guests: [guest(one), guest(join(mount, "link"))] })).toBe("nested-guests");
      expect(await code({ guests: [guest(one), guest("/proc")] })).toMatch(/other-file-system|read-only-file-system/u);
      expect(await code({ strategy: "reflink" })).toBe("strategy-not-available");
      expect(await code({ guard: "cow" })).toBe("guard-not-available");
      expect(await code({ minSize: 0 })).toBe("bad-option");
      expect((await readdir(mount)).sort()).toEqual(["file", "link", "lost+found", "one", "two"]);
    });
  });

  test("equal trees give equal plans, and a plan is what apply does", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const paths = await plant(mount, ["one", "two", "three"]);
      using plan = await planUnify(options(paths, mount));
      using again = await planUnify(options(paths, mount));
      expect(again.hash).toBe(plan.hash);
      const report = await applyPlan(plan, options(paths, mount));
      expect(report.files.unified).toBe(40);
      expect({ files: report.files, guests: report.guests }).toEqual({ files: plan.report.files, guests: plan.report.guests });
    });
  });

  test("a run that learns nothing reads nothing and leaves the index as it lies; one that learns something replaces it", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const paths = await plant(mount, ["one", "two", "three"]);
      const index = async () => (await stat(join(mount, "state/index"))).ino;
      const all = options(paths.slice(0, 2), mount);
      await unify(all);
      const before = await index();
      expect((await unify(all)).bytes).toMatchObject({ read: 0, compared: 0 });
      expect(await index()).toBe(before);
      expect((await unify(options(paths, mount))).files.unified).toBe(20);
      expect(await index()).not.toBe(before);
    });
  });

  test("nothing is shared across domains", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const [one = "", two = ""] = await plant(mount, ["one", "two"]);
      const report = await unify(options([], mount, { guests: [guest(one, "a"), guest(two, "b")] }));
      expect(report.files.unified).toBe(0);
    });
  });

  test("objects are named by the SHA-256 of their content, and damage is found", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const paths = await plant(mount, ["one", "two"]);
      const all = options(paths, mount);
      await unify(all);
      expect((await verifyPool(all)).pools).toMatchObject([{ objects: 20, damaged: [] }]);
      const name = join(paths[0] ?? "", "usr/file-7");
      const expected = createHash("sha256").update(await readFile(name)).digest("hex");
      await truncate(name, 100);
      expect((await verifyPool(all)).pools[0]?.damaged).toMatchObject([{ expected, names: 2 }]);
    });
  });

  test("an object that no guest uses any more is garbage, and only that goes", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const paths = await plant(mount, ["one", "two"]);
      const all = options(paths, mount, { guard: "immutable" });
      await unify(all);
      expect((await unifyStatus(all)).pools).toMatchObject([{ objects: 20, garbage: { objects: 0 } }]);
      expect((await collectGarbage(all)).pools).toMatchObject([{ objects: 20, removed: 0 }]);
    });
  });

  test("a cancelled run stops at once, changes nothing more and says so", async () => {
    await withLoopFs("ext4", 64, async ({ mount }) => {
      const paths = await plant(mount, ["one", "two"], 200);
      using plan = await planUnify(options(paths, mount));
      const abort = new AbortController();
      abort.abort();
      const report = await applyPlan(plan, options(paths, mount, { signal: abort.signal }));
      expect(report).toMatchObject({ stopped: "cancelled", files: { unified: 0 } });
      expect((await stat(join(paths[0] ?? "", "usr/file-1"))).nlink).toBe(1);
    });
  });
});
