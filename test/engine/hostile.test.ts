import { spawn } from "node:child_process";
import { mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LoopFsType, loopFsSkipReason, withLoopFs } from "@samepage/test-support";
import { unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { differences, guestsAt, manifests } from "./scene.ts";
import type { Way } from "./ways.ts";

/** Unify runs against the hostile guest. Thorough: 1000. */
const runs = process.env["SAMEPAGE_THOROUGH"] === "1" ? 1000 : 25;
const files = 40;

// A hard link without a guard is for stopped guests only: there, one guest's write is everyone's by design.
const cases: readonly (Way & { type: LoopFsType })[] = [
  { type: "xfs", strategy: "reflink", guard: "none" },
  { type: "btrfs", strategy: "reflink", guard: "none" },
  { type: "ext4", strategy: "hardlink", guard: "immutable" },
];

test.for(cases)("a hostile guest at full speed ($type, $strategy, $guard): nothing outside is touched, no write lost, no other guest changed", { timeout: 1_800_000 }, async ({ type, ...way }, { skip, annotate }) => {
  const reason = loopFsSkipReason(type);
  skip(reason !== undefined, reason);
  await withLoopFs(type, 200, async ({ mount }) => {
    const guests = guestsAt([1, 2, 3].map((number) => join(mount, `guest-${number}`)));
    for (const { path } of guests) {
      await mkdir(join(path, "usr"), { recursive: true });
      for (let index = 0; index < files; index++) {
        const file = join(path, `usr/f${index}`);
        await writeFile(file, `${index} of all\n`.repeat(500));
        await utimes(file, 1_700_000_000, 1_700_000_000);
      }
    }
    const outside = join(mount, "outside");
    await mkdir(outside);
    for (const name of ["secret", ...Array.from({ length: files }, (_, index) => `f${index}`)]) {
      // Equal to the guests' files, so that only where they lie keeps them apart.
      await writeFile(join(outside, name), `${name.slice(1)} of all\n`.repeat(500));
      await utimes(join(outside, name), 1_700_000_000, 1_700_000_000);
    }
    const stateDir = join(mount, "state");
    await mkdir(stateDir);
    const victims = guests.slice(0, 2);
    const kept = [...victims, ...guestsAt([outside])];
    const before = await manifests(kept);

    const stop = join(mount, "stop");
    const chaos = spawn(process.execPath, [join(import.meta.dirname, "chaos-child.ts"), guests[2]?.path ?? "", outside, stop], { stdio: ["ignore", "pipe", "inherit"] });
    let output = "";
    chaos.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const ended = new Promise<void>((resolve) => void chaos.once("close", () => resolve()));
    let unified = 0;
    try {
      for (let run = 0; run < runs; run++) unified += (await unify({ guests, stateDir, excludes: [], ...way })).files.unified;
    } finally {
      await writeFile(stop, "");
      await ended;
    }
    const { operations, lost }: { operations: number; lost: string[] } = JSON.parse(output);
    await annotate(`${runs} runs unified ${unified} names beside ${operations} operations of the guest`);
    expect(lost).toEqual([]);
    expect(operations).toBeGreaterThan(200);
    expect(await differences(kept, before)).toEqual([]);
    for (let index = 0; index < files; index++) expect((await stat(join(outside, `f${index}`))).nlink).toBe(1);
    expect(await readFile(join(outside, "secret"), "utf8")).toBe("ecret of all\n".repeat(500));
  });
});
