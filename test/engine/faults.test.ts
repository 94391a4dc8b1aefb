import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import { mkdir, rm, statfs, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LoopFs, loopFsSkipReason, run, withLoopFs } from "@samepage/test-support";
import { deunify, unify, type UnifyOptions } from "@samepage/unify";
import { beforeEach, expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differences, guestsAt, manifests } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";

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
