import { spawnSync } from "node:child_process";
import { linkSync, rmSync } from "node:fs";
import { cp, mkdir, readdir, rm, stat, statfs, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LoopFs, loopFsSkipReason, run, temporaryDirectory, withLoopFs } from "@samepage/test-support";
import { applyPlan, deunify, planUnify, unify, type UnifyOptions, type UnifyReport } from "@samepage/unify";
import { beforeEach, expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differences, guestsAt, manifests, usedBytes } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";
import { openWatchedDisk, watchedDiskSkipReason } from "./watched-disk.ts";

const noStrace = spawnSync("strace", ["-V"]).status === 0 ? undefined : "needs strace";
const way = { strategy: "hardlink", guard: "none" } as const;

beforeEach(({ skip }) => {
  const reason = loopFsSkipReason("ext4");
  skip(reason !== undefined, reason);
});

/** Three guests on a file system of their own. */
async function stage({ mount }: LoopFs, files = 300): Promise<UnifyOptions> {
  const guests = guestsAt([1, 2, 3].map((number) => join(mount, `guest-${number}`)));
  for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, files);
  const stateDir = join(mount, "state");
  await mkdir(stateDir);
  return { guests, stateDir, ...way };
}

/** Once swaps have begun, while the rest are still to come. */
function inMidRun(options: UnifyOptions, happen: () => void): UnifyOptions {
  let done = false;
  return {
    ...options,
    onProgress: ({ phase }) => {
      if (phase !== "apply" || done) return;
      done = true;
      happen();
    },
  };
}

/** Names in the guests whose inode has a name in the pool. */
async function sharedNames(mount: string, guests: UnifyOptions["guests"]): Promise<number> {
  const inodes = async (path: string) => (await run("find", [path, "-type", "f", "-printf", "%i\n"])).trim().split("\n");
  const pooled = new Set(await inodes(join(mount, ".samepage")));
  return (await Promise.all(guests.map(({ path }) => inodes(path)))).flat().filter((inode) => pooled.has(inode)).length;
}

/** Lets something happen between plan and apply. */
async function unifyPulled(options: UnifyOptions, happen: () => void): Promise<UnifyReport> {
  using plan = await planUnify(options);
  happen();
  return await applyPlan(plan, options);
}

test("a guest deleted in mid-run: the others complete, and nothing of theirs goes with it", async () => {
  await withLoopFs("ext4", 100, async (fs) => {
    const options = await stage(fs);
    const kept = options.guests.slice(0, 2);
    const before = await manifests(kept);
    await unify(inMidRun(options, () => rmSync(options.guests[2]?.path ?? "", { recursive: true })));
    expect(await differences(kept, before)).toEqual([]);
    const report = await unify({ ...options, guests: kept });
    expect(report.failures).toEqual([]);
    expect(await differences(kept, before)).toEqual([]);
  });
});

test("a guest whose file system is unmounted in mid-run: all are whole, the other file systems' guests complete, and nothing of it stays in use", async () => {
  await withLoopFs("ext4", 100, async (fs) => {
    await withLoopFs("ext4", 100, async (leaving) => {
      const options = await stage(fs);
      const away = await stage(leaving);
      const guests = [...options.guests, ...away.guests];
      const before = await manifests(guests);
      // An ordinary unmount is refused while a run is at work there; a lazy one takes the names away at once.
      const report = await unify(inMidRun({ ...options, guests }, () => spawnSync("umount", ["--lazy", leaving.mount])));
      expect(await differences(options.guests, before.slice(0, 3))).toEqual([]);
      expect(report.guests[1]?.unified).toBeGreaterThan(200);
      expect((await unify(options)).files.unified).toBe(0);
      await leaving.remount();
      expect(await differences(away.guests, before.slice(3))).toEqual([]);
      expect((await unify(away)).failures).toEqual([]);
      expect(await differences(away.guests, before.slice(3))).toEqual([]);
    });
  });
});

test.for(["unify", "deunify"] as const)("one of two file systems fails in mid-%s: the other's guests complete, the failure is named, and once it is back the next run finishes", async (verb) => {
  await withLoopFs("ext4", 100, async (fs) => {
    await withLoopFs("ext4", 100, async (failing) => {
      const options = await stage(fs);
      const lost = await stage(failing);
      const guests = [...lost.guests, ...options.guests];
      const all = { ...options, guests };
      const before = await manifests(guests);
      // As when its disk is pulled out.
      const pull = () => spawnSync("xfs_io", ["-x", "-c", "shutdown", failing.mount]);
      if (verb === "deunify") await unify(all);
      await usedBytes(failing.mount);
      const report = await (verb === "unify" ? unifyPulled(all, pull) : deunify(inMidRun(all, pull)));
      expect(report.failures.length).toBeGreaterThan(0);
      expect(report.failures.filter(({ guest, path }) => !guest.startsWith(failing.mount) && !path.startsWith(failing.mount))).toEqual([]);
      // The first has the files that the others come to share.
      expect(report.guests.slice(4).map((guest) => ("unified" in guest ? guest.unified : guest.deunified) > 100)).toEqual([true, true]);
      await failing.remount();
      expect(await differences(guests, before)).toEqual([]);
      const again = await (verb === "unify" ? unify : deunify)(all);
      expect(again.failures).toEqual([]);
      expect(await differences(guests, before, verb === "unify" ? "kept" : "same")).toEqual([]);
    });
  });
});

test("a disk that cannot read one file: the rest completes, the file is named, and no byte is lost", async ({ skip }) => {
  const reason = watchedDiskSkipReason();
  skip(reason !== undefined, reason);
  await using work = await temporaryDirectory();
  await using disks = new AsyncDisposableStack();
  await withLoopFs("ext4", 100, async (fs) => {
    const options = await stage(fs, 60);
    const before = await manifests(options.guests);
    const victim = join(options.guests[0]?.path ?? "", "usr/lib/d1/f1");
    // -s: written back, so that it has its place.
    const [, block = ""] = /^\s*0:\s+0\.\.\s+\d+:\s+(\d+)\.\./mu.exec(await run("filefrag", ["-s", "-v", victim])) ?? [];
    const { bsize } = await statfs(fs.mount);
    await fs.remount([], async (image) => disks.use(await openWatchedDisk(work.path, image, Number(block) * bsize)).path);
    const report = await unify(options);
    expect(report.failures.map(({ guest, path, code }) => [guest, path, code])).toEqual([[options.guests[0]?.name, "/usr/lib/d1/f1", "EIO"]]);
    expect(report.files.unified).toBeGreaterThan(60);
    await fs.remount([], async () => {
      await disks.disposeAsync();
      return undefined;
    });
    expect(await differences(options.guests, before)).toEqual([]);
    expect((await unify(options)).failures).toEqual([]);
    expect(await differences(options.guests, before)).toEqual([]);
  });
});

test("an inode with as many names as ext4 allows (65,000): further guests share a second object, and all come back", async () => {
  await withLoopFs("ext4", 200, async (fs) => {
    const guests = guestsAt(Array.from({ length: 14 }, (_, number) => join(fs.mount, `guest-${number}`)));
    const [full, ...others] = guests.map(({ path }) => path);
    for (const path of [full ?? "", ...others]) {
      await mkdir(path);
      await writeFile(join(path, "file"), "the same everywhere\n".repeat(300));
      await utimes(join(path, "file"), 1_700_000_000, 1_700_000_000);
    }
    await mkdir(join(full ?? "", "names"));
    // Its own name, 64,990 others, and the pool's leave room for eight guests.
    for (let name = 0; name < 64_990; name++) linkSync(join(full ?? "", "file"), join(full ?? "", "names", String(name)));
    const stateDir = join(fs.mount, "state");
    await mkdir(stateDir);
    const options = { guests, stateDir, excludes: [], ...way };
    const inodes = async () => Promise.all(guests.map(async ({ path }) => stat(join(path, "file"))));
    const report = await unify(options);
    expect(report.failures).toEqual([]);
    const [first, ...rest] = await inodes();
    expect(first?.nlink).toBe(65_000);
    expect(rest.filter(({ ino }) => ino === first?.ino).length).toBe(8);
    const second = rest.filter(({ ino }) => ino !== first?.ino);
    expect([new Set(second.map(({ ino }) => ino)).size, second.length, second[0]?.nlink]).toEqual([1, 5, 6]);
    const objects = (await readdir(join(fs.mount, ".samepage/pool"), { recursive: true })).filter((name) => name.includes("/")).map((name) => name.slice(-2));
    expect(objects.sort()).toEqual(["-1", "-2"]);
    expect((await unify(options)).files.unified).toBe(0);
    // Whoever comes later joins the one with room.
    await cp(join(others[0] ?? "", "file"), join(others[1] ?? "", "later"), { preserveTimestamps: true });
    expect((await unify(options)).files.unified).toBe(1);
    expect((await stat(join(others[1] ?? "", "later"))).ino).toBe(second[0]?.ino);
    expect((await deunify(options)).failures).toEqual([]);
    const apart = await inodes();
    expect(new Set(apart.map(({ ino }) => ino)).size).toBe(guests.length);
    expect(apart[0]?.nlink).toBe(64_991);
  });
});

test("the file system made read-only in mid-run: each failure is named, nothing changed, and the next run finishes", async () => {
  await withLoopFs("ext4", 100, async (fs) => {
    const options = await stage(fs);
    const before = await manifests(options.guests);
    // What the kernel does by itself after an error (errors=remount-ro); an ordinary remount waits for writers.
    const report = await unify(inMidRun(options, () => spawnSync("mount", ["-o", "remount,ro,abort", fs.mount]))).catch((error: unknown) => error);
    expect(report).toBeDefined();
    await fs.remount();
    expect(await differences(options.guests, before)).toEqual([]);
    const again = await unify(options);
    expect(again.failures).toEqual([]);
    expect(await differences(options.guests, before)).toEqual([]);
    expect(again.files.unified + (report instanceof Error ? 0 : 1)).toBeGreaterThan(0);
  });
});

test("no space left: unify and deunify name what failed, lose nothing, and finish once there is space", async () => {
  await withLoopFs("ext4", 40, async (fs) => {
    const options = await stage(fs);
    const before = await manifests(options.guests);
    const ballast = join(fs.mount, "ballast");
    const fill = async () => {
      const { bavail, bsize } = await statfs(fs.mount);
      await run("fallocate", ["--length", String(bavail * bsize), ballast]).catch(() => run("dd", ["if=/dev/zero", `of=${ballast}`, "bs=64k", "status=none"]).catch(() => ""));
      await writeFile(join(fs.mount, "rest"), Buffer.alloc(1024 * 1024)).catch(() => {});
    };
    await fill();
    await unify(options).catch(() => {});
    expect(await differences(options.guests, before), "unify without space").toEqual([]);
    await truncate(ballast, 0);
    expect((await unify(options)).failures).toEqual([]);
    await fill();
    const stuck = await deunify(options);
    expect(stuck.failures.map(({ code }) => code)).toContain("ENOSPC");
    expect(stuck.files.stillShared, "what is shared still is counted").toBe(await sharedNames(fs.mount, options.guests));
    expect(stuck.files.stillShared).toBeGreaterThan(0);
    expect(await differences(options.guests, before), "deunify without space").toEqual([]);
    await rm(ballast);
    await rm(join(fs.mount, "rest"), { force: true });
    expect(await deunify(options)).toMatchObject({ failures: [], files: { stillShared: 0 } });
    expect(await differences(options.guests, before, "same")).toEqual([]);
  });
});

test.for([
  { error: "EIO", calls: "read,pread64,readv,preadv,preadv2", number: "1+" },
  { error: "EDQUOT", calls: "linkat", number: "5" },
  { error: "ENOSPC", calls: "renameat2", number: "3" },
  { error: "EIO", calls: "linkat", number: "2+7" },
])("$error from $calls (call $number): the rest completes, the failure is named", async ({ error, calls, number }, { skip }) => {
  skip(noStrace !== undefined, noStrace);
  await withLoopFs("ext4", 100, async (fs) => {
    const options = await stage(fs, 60);
    const before = await manifests(options.guests);
    const [first, second] = options.guests;
    // Reading fails for one file only; the others fail for whichever comes.
    const only = calls.startsWith("read") ? [`--trace-path=${first?.path}/usr/lib/d1/f1`] : [];
    const wrapper = ["strace", "--follow-forks", "--quiet=all", "--output=/dev/null", ...only, `--trace=${calls}`, `--inject=${calls}:error=${error}:when=${number}`];
    const { report, stderr } = await runEngine("unify", options, { wrapper });
    expect(await differences(options.guests, before)).toEqual([]);
    expect(report?.failures.map(({ code }) => code), stderr).toContain(error);
    expect(report?.files.unified).toBeGreaterThan(20);
    expect(report?.failures.every(({ guest }) => guest === first?.name || guest === second?.name || guest === options.guests[2]?.name)).toBe(true);
    const again = await unify(options);
    expect(again.failures).toEqual([]);
    expect(await differences(options.guests, before)).toEqual([]);
    expect((await unify(options)).files.unified).toBe(0);
  });
});
