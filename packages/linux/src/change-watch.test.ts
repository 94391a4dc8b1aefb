import { closeSync, constants, openSync } from "node:fs";
import { appendFile, chmod, link, mkdir, open, rename, rm, stat, truncate, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, loopFsTypes, run, withLoopFs } from "@samepage/test-support";
import { describe, expect, test } from "vitest";
import { ChangeWatch } from "./change-watch.ts";

/** Watches two guests on a mount; `seen()` is what changed since it was last asked, as `depth guest path`. */
async function watchGuests(mount: string, limit?: number): Promise<{ one: string; two: string; take: ChangeWatch["take"]; roots: number[]; seen: () => Promise<string[] | string>; close: () => void }> {
  const [one, two] = [join(mount, "one"), join(mount, "two")];
  for (const path of [one, two]) await mkdir(join(path, "usr/lib"), { recursive: true });
  const watch = new ChangeWatch(limit === undefined ? {} : { limit });
  const roots = [one, two].map((path) => openSync(path, constants.O_RDONLY | constants.O_DIRECTORY));
  const close = () => {
    watch[Symbol.dispose]();
    for (const fd of roots) closeSync(fd);
  };
  const seen = async () => {
    const changes = await watch.take(roots);
    if (changes.kind === "full") return changes.reason;
    return [...changes.paths.map(({ root, path, depth }) => `${depth} ${root === 0 ? "one" : "two"} ${path}`), ...changes.inodes.map(({ ino }) => `inode ${ino}`)].sort();
  };
  return { one, two, take: (of) => watch.take(of), roots, seen, close };
}

describe.each(loopFsTypes)("on %s", (type) => {
  const reason = loopFsSkipReason(type);

  test.skipIf(reason !== undefined)("what guests do is known by name, and nothing else is", async () => {
    await withLoopFs(type, 64, async ({ mount }) => {
      const { one, two, seen, close } = await watchGuests(mount);
      using _closing = { [Symbol.dispose]: close };
      for (const name of ["old", "written", "attributes", "truncated", "moved", "removed"]) await writeFile(join(one, "usr/lib", name), "content");
      await mkdir(join(two, "deep/er"), { recursive: true });
      expect(await seen()).toBe("first");
      expect(await seen()).toStrictEqual([]);

      await appendFile(join(one, "usr/lib/written"), "more");
      await chmod(join(one, "usr/lib/attributes"), 0o600);
      await truncate(join(one, "usr/lib/truncated"), 3);
      await rename(join(one, "usr/lib/moved"), join(two, "usr/to"));
      await unlink(join(one, "usr/lib/removed"));
      await writeFile(join(mount, "of-the-host"), "not a guest's");
      await rename(join(two, "deep"), join(two, "elsewhere"));
      await writeFile(join(two, "elsewhere/er/file"), "below a moved directory");
      await writeFile(Buffer.concat([Buffer.from(`${one}/`), Buffer.of(0xff, 0x0a, 0x20)]), "no valid UTF-8");
      expect(await seen()).toStrictEqual(
        [
          "self one /usr/lib/written",
          "self one /usr/lib/attributes",
          "self one /usr/lib/truncated",
          "self one /usr/lib/moved",
          "self two /usr/to",
          "self one /usr/lib/removed",
          "all two /deep",
          "all two /elsewhere",
          "self two /elsewhere/er/file",
          "self one /\u00ff\n ",
        ].sort(),
      );
      expect(await seen()).toStrictEqual([]);

      // Another name of an inode: its link count changed, whatever its names are.
      const { ino } = await stat(join(one, "usr/lib/old"));
      await link(join(one, "usr/lib/old"), join(mount, "linked"));
      expect(await seen()).toStrictEqual([`inode ${ino}`]);
      await link(join(mount, "linked"), join(two, "usr/linked"));
      expect(await seen()).toStrictEqual([`inode ${ino}`, "self two /usr/linked"]);
      // A removed directory is named by its parent; what was in it has no name any more.
      await writeFile(join(two, "elsewhere/er/another"), "");
      await rm(join(two, "elsewhere"), { recursive: true });
      expect(await seen()).toStrictEqual(["all two /elsewhere"]);
    });
  });
});

const ext4 = loopFsSkipReason("ext4");

describe.skipIf(ext4 !== undefined)(`limits${ext4 === undefined ? "" : ` (skipped: ${ext4})`}`, () => {
  test("a writer that stays open is seen, from any mount namespace", async () => {
    await withLoopFs("ext4", 16, async ({ mount }) => {
      const { one, seen, close } = await watchGuests(mount);
      using _closing = { [Symbol.dispose]: close };
      await seen();
      await using file = await open(join(one, "log"), "a");
      await file.write("a line");
      expect(await seen()).toStrictEqual(["self one /log"]);
      await file.write("another");
      expect(await seen()).toStrictEqual(["self one /log"]);
      await run("unshare", ["--mount", "sh", "-c", `mount --bind ${one}/usr ${one}/usr/lib && chroot ${one} true; echo > ${one}/usr/lib/inside`]);
      expect(await seen()).toStrictEqual(["self one /usr/inside"]);
    });
  });

  test("many names in one directory become that directory; more than is kept becomes a full walk, once", async () => {
    await withLoopFs("ext4", 64, async ({ mount }) => {
      const { one, two, seen, close } = await watchGuests(mount, 64 * 1024);
      using _closing = { [Symbol.dispose]: close };
      await seen();
      for (let at = 0; at < 300; at++) await writeFile(join(one, "usr/lib", `${at}`), "");
      const paths = await seen();
      expect(paths).toContain("children one /usr/lib");
      expect(paths).toHaveLength(257);
      for (let at = 0; at < 300; at++) await rm(join(one, "usr/lib", `${at}`));
      for (let at = 0; at < 300; at++) await mkdir(join(one, "usr/lib", `${at}`));
      expect(await seen()).toContain("all one /usr/lib");
      for (let at = 0; at < 1000; at++) await mkdir(join(two, `${at}/within`), { recursive: true });
      expect(await seen()).toBe("overflow");
      expect(await seen()).toStrictEqual([]);
    });
  });

  test("other roots and a file system mounted anew are looked at in full", async () => {
    await withLoopFs("ext4", 16, async (fs) => {
      const { one, take, roots, seen, close } = await watchGuests(fs.mount);
      await seen();
      expect(await take(roots.slice(1))).toStrictEqual({ kind: "full", reason: "roots" });
      expect(await seen()).toBe("roots");
      close();
      const watch = new ChangeWatch();
      using _closing = watch;
      const takeOne = async () => {
        const fd = openSync(one, constants.O_RDONLY | constants.O_DIRECTORY);
        try {
          const changes = await watch.take([fd]);
          return changes.kind === "full" ? changes.reason : changes.paths.length;
        } finally {
          closeSync(fd);
        }
      };
      expect(await takeOne()).toBe("first");
      expect(await takeOne()).toBe(0);
      await fs.remount();
      expect(await takeOne()).toMatch(/unmounted|roots|first/u);
      expect(await takeOne()).toBe(0);
    });
  });
});

const btrfs = loopFsSkipReason("btrfs");

test.skipIf(btrfs !== undefined)("guests that are btrfs subvolumes are watched through the top", async () => {
  await withLoopFs("btrfs", 256, async ({ mount }) => {
    await run("btrfs", ["subvolume", "create", join(mount, "guest")]);
    const watch = new ChangeWatch();
    using _closing = watch;
    const root = openSync(join(mount, "guest"), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      expect(await watch.take([root])).toStrictEqual({ kind: "full", reason: "first" });
      await writeFile(join(mount, "guest/file"), "");
      expect(await watch.take([root])).toStrictEqual({ kind: "paths", paths: [{ root: 0, path: "/file", depth: "self" }], inodes: [] });
    } finally {
      closeSync(root);
    }
  });
});

test("a file system without file handles is answered by a full walk", async () => {
  const fd = openSync("/proc/self", constants.O_RDONLY | constants.O_DIRECTORY);
  using watch = new ChangeWatch();
  try {
    expect(await watch.take([fd])).toStrictEqual({ kind: "full", reason: "unsupported" });
    expect(await watch.take([fd])).toStrictEqual({ kind: "full", reason: "unsupported" });
  } finally {
    closeSync(fd);
  }
});
