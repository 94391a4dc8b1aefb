import { spawnSync } from "node:child_process";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, run, withLoopFs } from "@samepage/test-support";
import { unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differences, guestsAt, manifests } from "./scene.ts";
import { plantSmallTree } from "./small-tree.ts";

const noStrace = spawnSync("strace", ["-V"]).status === 0 ? undefined : "needs strace";

async function isImmutable(path: string): Promise<boolean> {
  return (await run("lsattr", ["-d", path])).split(" ")[0]?.includes("i") === true;
}

test("killed while an object's immutable flag is lifted: the next run sets it again, and an object written to meanwhile is shared no further", async ({ skip }) => {
  const reason = noStrace ?? loopFsSkipReason("ext4");
  skip(reason !== undefined, reason);
  await withLoopFs("ext4", 100, async ({ mount }) => {
    const guests = guestsAt([1, 2, 3].map((number) => join(mount, `guest-${number}`)));
    for (const [index, { path }] of guests.entries()) await plantSmallTree(path, index, 40);
    const stateDir = join(mount, "state");
    await mkdir(stateDir);
    const way = { strategy: "hardlink", guard: "immutable", threads: 1, stateDir } as const;
    const first = guests.slice(0, 2);
    await unify({ guests: first, ...way });
    const shared = (await readdir(join(first[0]?.path ?? "", "usr/lib/d1"))).map((name) => join(first[0]?.path ?? "", "usr/lib/d1", name));
    const before = await manifests(guests);

    // Each link that the third guest gets is made while its object's flag is lifted; the second is where it ends.
    const wrapper = ["strace", "--follow-forks", "--quiet=all", "--output=/dev/null", "--trace=renameat2", "--inject=renameat2:signal=SIGKILL:when=2"];
    expect((await runEngine("unify", { guests, ...way }, { wrapper })).report).toBeUndefined();
    const exposed: string[] = [];
    for (const { path } of first) {
      for (const directory of [0, 1, 2, 3, 4, 5, 6]) {
        for (const name of await readdir(join(path, `usr/lib/d${directory}`))) {
          const file = join(path, `usr/lib/d${directory}`, name);
          if ((await stat(file)).nlink > 2 && !(await isImmutable(file))) exposed.push(file);
        }
      }
    }
    expect(exposed.length).toBeGreaterThan(0);
    const [victim = ""] = exposed;
    const poisoned = (await readFile(victim, "utf8")).replaceAll("all", "bad");
    await writeFile(victim, poisoned);

    const report = await unify({ guests, ...way });
    expect(report.failures.map(({ guest, code }) => [guest, code])).toEqual([["pool", "object-changed"]]);
    const unguarded: string[] = [];
    for (const file of shared) if (file !== victim && (await stat(file)).nlink > 2 && !(await isImmutable(file))) unguarded.push(file);
    expect(unguarded).toEqual([]);
    // The third guest never saw what was written, and but for those files nobody notices anything.
    const third = victim.replace(/guest-[12]/u, "guest-3");
    expect(await readFile(third, "utf8")).not.toBe(poisoned);
    expect(await differences(guests.slice(2), before.slice(2))).toEqual([]);
    expect((await unify({ guests, ...way })).failures).toEqual([]);
  });
});
