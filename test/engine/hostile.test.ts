import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type LoopFsType, loopFsSkipReason, run, withLoopFs } from "@samepage/test-support";
import { deunify, unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { differences, guestsAt, manifests } from "./scene.ts";
import type { Way } from "./ways.ts";

/** Unify runs against the hostile guest. Thorough: 1000. */
const thorough = process.env["SAMEPAGE_THOROUGH"] === "1";
const runs = thorough ? 1000 : 25;
const files = 40;
/** Guarded files refuse the guest; now and then it gets its own back, so that there is something to race for. */
const deunifyEvery = 5;
const writtenAt = 1_700_000_000;

const noCompiler = spawnSync("cc", ["--version"]).status === 0 ? undefined : "needs a C compiler for the part of the guest that maps files";

// A hard link without a guard is for stopped guests only: there, one guest's write is everyone's by design.
const cases: readonly (Way & { type: LoopFsType })[] = [
  { type: "xfs", strategy: "reflink", guard: "none" },
  { type: "btrfs", strategy: "reflink", guard: "none" },
  { type: "ext4", strategy: "hardlink", guard: "immutable" },
  // There the flag does not stop who has come past it: what is shared is sealed.
  ...(thorough ? (["xfs", "btrfs"] as const).map((type) => ({ type, strategy: "hardlink", guard: "immutable" }) as const) : []),
];

test.for(cases)("a hostile guest at full speed ($type, $strategy, $guard): nothing outside is touched, no write lost, no other guest changed", { timeout: 3_600_000 }, async ({ type, ...way }, { skip, annotate }) => {
  const reason = loopFsSkipReason(type) ?? noCompiler;
  skip(reason !== undefined, reason);
  await withLoopFs(type, 200, async ({ mount }) => {
    const guests = guestsAt([1, 2, 3].map((number) => join(mount, `guest-${number}`)));
    for (const { path } of guests) await plantGuest(path);
    const outside = join(mount, "outside");
    // Equal to the guests' files, so that only where they lie keeps them apart.
    await plantGuest(outside, "");
    await writeFile(join(outside, "secret"), "nobody's business\n");
    const stateDir = join(mount, "state");
    await mkdir(stateDir);
    const kept = [...guests.slice(0, 2), ...guestsAt([outside])];
    const before = await manifests(kept);

    const mapper = join(mount, "mmap-writer");
    await run("cc", ["-O1", "-o", mapper, join(import.meta.dirname, "mmap-writer.c")]);
    const stop = join(mount, "stop");
    const hostile = guests[2]?.path ?? "";
    const writers = [
      startWriter(process.execPath, [join(import.meta.dirname, "chaos-child.ts"), hostile, outside, stop]),
      startWriter(mapper, [join(hostile, "lib"), stop]),
    ];
    let unified = 0;
    try {
      for (let round = 1; round <= runs; round++) {
        unified += (await unify({ guests, stateDir, excludes: [], ...way })).files.unified;
        if (way.strategy === "hardlink" && round % deunifyEvery === 0) await deunify({ guests, stateDir });
      }
    } finally {
      await writeFile(stop, "");
      await Promise.all(writers);
    }
    const done = await Promise.all(writers);
    await annotate(`${runs} runs unified ${unified} names beside ${done.map(({ operations }) => operations).join(" and ")} operations of the guest`);
    for (const { lost, operations } of done) {
      expect(lost).toEqual([]);
      expect(operations).toBeGreaterThan(200);
    }
    expect(await differences(kept, before)).toEqual([]);
    for (let index = 0; index < files; index++) expect((await stat(join(outside, `f${index}`))).nlink).toBe(1);
    expect(await readFile(join(outside, "secret"), "utf8")).toBe("nobody's business\n");
  });
});

/** Files for both parts of the hostile guest: `f…` for its script, `m…` for its mappings. */
async function plantGuest(root: string, below = "usr"): Promise<void> {
  await mkdir(join(root, below), { recursive: true });
  await mkdir(join(root, "lib"));
  for (let index = 0; index < files; index++) {
    const mapped = Buffer.alloc(8000, 97 + (index % 26));
    // As the guest's own program writes it: a number of 22 digits, and the end of a C string.
    mapped.write(`${String(index).padStart(22, "0")}\0`);
    for (const [path, content] of [[join(root, below, `f${index}`), `${index} of all\n`.repeat(500)], [join(root, "lib", `m${index}`), mapped]] as const) {
      await writeFile(path, content);
      await utimes(path, writtenAt, writtenAt);
    }
  }
}

async function startWriter(program: string, args: readonly string[]): Promise<{ operations: number; lost: string[] }> {
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
  });
  await once(child, "close");
  return JSON.parse(output);
}
