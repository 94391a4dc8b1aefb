import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { type LoopFs, loopFsSkipReason, withLoopFs } from "@samepage/test-support";
import { deunify, unify, type UnifyOptions, unifyStatus } from "@samepage/unify";
import { beforeEach, expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differences, differencesAfterCrash, guestsAt, manifests } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";

const noStrace = spawnSync("strace", ["-V"]).status === 0 ? undefined : "needs strace";
const thorough = process.env["SAMEPAGE_THOROUGH"] === "1";
const threads = 2;
/** A file of the small tree has two names at most, and each thread has one file in hand; one that did not hold still is put back. */
const mostInHand = threads * 4;

beforeEach(({ skip }) => {
  const reason = loopFsSkipReason("ext4");
  skip(reason !== undefined, reason);
});

async function stage({ mount }: LoopFs, files: number): Promise<UnifyOptions> {
  const guests = guestsAt([1, 2, 3].map((number) => join(mount, `guest-${number}`)));
  for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, files);
  const stateDir = join(mount, "state");
  await mkdir(stateDir);
  return { guests, stateDir, strategy: "hardlink", guard: "none", threads };
}

test.for(["unify", "deunify"] as const)("%s cancelled in the middle of its changes does not begin another, and the next run finishes", async (verb, { skip, annotate }) => {
  skip(noStrace !== undefined, noStrace);
  await withLoopFs("ext4", 300, async (fs) => {
    const options = await stage(fs, 600);
    const before = await manifests(options.guests);
    if (verb === "deunify") await unify(options);
    const trace = join(fs.mount, "trace");
    const wrapper = ["strace", "--follow-forks", "--seccomp-bpf", "--quiet=all", "--trace=renameat2,access", `--output=${trace}`];
    const watched = options.guests.flatMap(({ path }) => [0, 1, 2, 3, 4, 5, 6].map((number) => join(path, `usr/lib/d${number}`)));
    const { report, stderr } = await runEngine(verb, options, { wrapper, cancel: { watched, mark: join(fs.mount, "cancelled") } });
    expect(report?.stopped, stderr).toBe("cancelled");
    const [done = "", late = ""] = (await readFile(trace, "utf8")).split(`${fs.mount}/cancelled`);
    const exchanges = (text: string) => text.match(/RENAME_EXCHANGE/gu)?.length ?? 0;
    await annotate(`${exchanges(done)} names exchanged before the cancel, ${exchanges(late)} after it`);
    expect(exchanges(done)).toBeGreaterThan(0);
    expect(exchanges(late)).toBeLessThanOrEqual(mostInHand);
    expect(await differencesAfterCrash(options.guests, before, "before-next")).toEqual([]);
    const again = await (verb === "unify" ? unify : deunify)(options);
    expect(again.failures).toEqual([]);
    expect(await differences(options.guests, before, verb === "unify" ? "kept" : "same")).toEqual([]);
    expect((await unifyStatus(options)).pools.map(({ pending }) => pending)).toEqual([0]);
  });
});

/** Displaced files, each in the part of the thread that exchanged it: paths from the quarantine. */
function heldIn(quarantine: string): string[] {
  return existsSync(quarantine) ? readdirSync(quarantine, { recursive: true, encoding: "utf8" }).filter((path) => path.includes("/")) : [];
}

test("a write that reached a displaced file is not lost by a cancel: the next run gives the file back", async () => {
  await withLoopFs("ext4", 100, async (fs) => {
    // Where a guard is asked for, displaced files wait a second; this looks every few milliseconds.
    const options = { ...(await stage(fs, 300)), guard: "immutable" } as const;
    const abort = new AbortController();
    const runs = join(fs.mount, ".samepage/runs");
    const looking = setInterval(() => {
      if (existsSync(runs) && readdirSync(runs).some((name) => heldIn(join(runs, name, "quarantine")).length > 100)) abort.abort();
    }, 5);
    const report = await unify({ ...options, signal: abort.signal }).finally(() => clearInterval(looking));
    expect(report.stopped).toBe("cancelled");
    const [run = ""] = readdirSync(runs);
    // Of one name, so that this is all of the file.
    const quarantine = join(runs, run, "quarantine");
    const held = heldIn(quarantine);
    expect(held.length).toBeGreaterThan(10);
    const records = readFileSync(join(runs, run, "journal"), "latin1").split("\0");
    const place = held.find((path) => !(records.find((record) => record.includes(`N ${basename(path)} `)) ?? "link-").includes("link-")) ?? "";
    const target = basename(place);
    appendFileSync(join(quarantine, place), "by a late writer");
    const again = await unify(options);
    expect(again.failures).toEqual([]);
    const [, guest = "", path = ""] = /N \w+ (\d+) \d+ \d+ (.*)/su.exec(records.find((record) => record.includes(`N ${target} `)) ?? "") ?? [];
    expect(await readFile(join(options.guests[Number(guest)]?.path ?? "", path), "utf8")).toMatch(/by a late writer$/u);
    expect((await unifyStatus(options)).pools.map(({ pending }) => pending)).toEqual([0]);
  });
});

test.runIf(thorough)("from cancel to stop, at twenty moments: below 100 ms", { timeout: 600_000 }, async ({ annotate }) => {
  await withLoopFs("ext4", 300, async (fs) => {
    const options = await stage(fs, 2000);
    const taken: number[] = [];
    for (let round = 0; round < 20; round++) {
      const abort = new AbortController();
      let at = 0;
      setTimeout(() => {
        at = performance.now();
        abort.abort();
      }, 50 + round * 40);
      const report = await unify({ ...options, signal: abort.signal });
      if (report.stopped !== undefined) taken.push(performance.now() - at);
      await deunify(options);
    }
    taken.sort((a, b) => a - b);
    await annotate(`${taken.length} cancels took ${taken.map((ms) => ms.toFixed(0)).join(", ")} ms`);
    expect(taken.length).toBeGreaterThan(5);
    expect(taken.at(-1)).toBeLessThan(100);
  });
});
