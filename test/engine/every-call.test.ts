import { spawnSync } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type LoopFsType, loopFsSkipReason, loopFsTypes, withLoopFs } from "@samepage/test-support";
import { unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differencesAfterCrash, guestsAt, manifests } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";
import { type Way, ways } from "./ways.ts";

/** Every call by which apply can change a file system or a descriptor that guards one. */
const changing = ["linkat", "renameat2", "renameat", "rename", "unlinkat", "unlink", "mkdirat", "mkdir", "fchmod", "fchown", "utimensat", "fsetxattr", "ftruncate", "fsync", "fdatasync", "syncfs", "pwrite64", "ioctl", "fallocate", "copy_file_range"];

/** At how many of the calls, evenly spread, the process is killed. Thorough: at every one. */
const thorough = process.env["SAMEPAGE_THOROUGH"] === "1";
const moments = thorough ? Infinity : 8;

const noStrace = spawnSync("strace", ["-V"]).status === 0 ? undefined : "needs strace";

/** Every way of every file system; otherwise each way once. */
const cases = loopFsTypes.flatMap((type) => ways[type].filter(({ strategy }) => thorough || type === (strategy === "reflink" ? "xfs" : "ext4")).map((way): [LoopFsType, Way] => [type, way]));

test.for(cases)("killed at every system call of apply on %s with %o: nothing lost, and the next run finishes", { timeout: 3_600_000 }, async ([type, way], { skip, annotate }) => {
  const reason = noStrace ?? loopFsSkipReason(type);
  skip(reason !== undefined, reason);
  await withLoopFs(type, 100, async ({ mount }) => {
    let round = 0;
    const stage = async () => {
      round++;
      const guests = guestsAt([1, 2].map((number) => join(mount, `round-${round}/guest-${number}`)));
      for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, 12);
      // A state of its own each round: what a first run does to it is part of apply too.
      const stateDir = join(mount, `round-${round}/state`);
      await mkdir(stateDir, { recursive: true });
      return { guests, options: { guests, stateDir, minSize: 1, ...way } };
    };

    const trace = join(mount, "trace");
    const rehearsal = await stage();
    const whole = await runEngine("unify", rehearsal.options, { wrapper: ["strace", "--follow-forks", "--quiet=all", `--trace=${changing.join(",")}`, "--output", trace] });
    expect(whole.report?.files.unified).toBeGreaterThan(5);
    const calls = countCalls(await readFile(trace, "utf8"));
    const all = [...calls].flatMap(([call, count]) => Array.from({ length: count }, (_, index) => ({ call, number: index + 1 })));
    await annotate(`${all.length} calls: ${[...calls].map(([call, count]) => `${call} ${count}`).join(", ")}`);
    const step = Math.max(1, all.length / moments);
    for (let at = 0; at < all.length; at += step) {
      const { call, number } = all[Math.floor(at)] ?? { call: "", number: 0 };
      const { guests, options } = await stage();
      const before = await manifests(guests);
      const end = await runEngine("unify", options, {
        wrapper: ["strace", "--follow-forks", "--quiet=all", "--output=/dev/null", `--trace=${call}`, `--inject=${call}:signal=SIGKILL:when=${number}`],
      });
      const when = `killed at ${call} ${number} (${String(end.signal ?? end.code)})`;
      expect(await differencesAfterCrash(guests, before, "before-next"), when).toEqual([]);
      const report = await unify(options);
      expect(report.failures, when).toEqual([]);
      expect(await differencesAfterCrash(guests, before, "after-next"), when).toEqual([]);
      expect((await unify(options)).files.unified, when).toBe(0);
    }
  });
});

/** How often the busiest thread made each call: strace counts each thread for itself, and the first to get there dies with all. */
function countCalls(trace: string): Map<string, number> {
  const byThread = new Map<string, number>();
  const most = new Map<string, number>();
  for (const [, thread = "", call = ""] of trace.matchAll(/^(\d+) +(\w+)\(/gmu)) {
    const count = (byThread.get(`${thread} ${call}`) ?? 0) + 1;
    byThread.set(`${thread} ${call}`, count);
    most.set(call, Math.max(count, most.get(call) ?? 0));
  }
  return most;
}
