import { spawnSync } from "node:child_process";
import { link, mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type LoopFsType, loopFsSkipReason, loopFsTypes, withLoopFs } from "@samepage/test-support";
import { deunify, unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { runEngine } from "./engine-process.ts";
import { differencesAfterCrash, guestsAt, inodesShared, manifests } from "./scene.ts";

const noStrace = spawnSync("strace", ["-V"]).status === 0 ? undefined : "needs strace";
const thorough = process.env["SAMEPAGE_THOROUGH"] === "1";

/** How long each exchange of names takes here, so that a writer meets the moment after it. Milliseconds. */
const held = 400;
const writtenAt = 1_700_000_000;

/** What a guest may try: its exit status is 0 where it was let. */
const writers = {
  open: 'printf written 1<>"$1"',
  truncate: 'perl -e \'exit(truncate($ARGV[0], 3) ? 0 : 1)\' "$1"',
  read: 'test "$(head -c 6 "$1")" = shared',
} as const;

interface Case {
  readonly type: LoopFsType;
  readonly verb: "unify" | "deunify" | "recovery";
  readonly writer: keyof typeof writers;
}

const all = loopFsTypes.flatMap((type) => (["unify", "deunify", "recovery"] as const).flatMap((verb) => (["open", "truncate", "read"] as const).map((writer): Case => ({ type, verb, writer }))));
const usual: readonly Case[] = [
  { type: "ext4", verb: "unify", writer: "open" },
  { type: "xfs", verb: "deunify", writer: "open" },
];

/** Three guests that have the same tool, each under two names. */
async function stage(mount: string) {
  const guests = guestsAt(["one", "two", "three"].map((name) => join(mount, name)));
  for (const { path } of guests) {
    await mkdir(join(path, "usr"), { recursive: true });
    await writeFile(join(path, "usr/tool"), `shared by all ${"x".repeat(20_000)}`);
    await utimes(join(path, "usr/tool"), writtenAt, writtenAt);
    await link(join(path, "usr/tool"), join(path, "usr/same-tool"));
  }
  const stateDir = join(mount, "state");
  await mkdir(stateDir);
  return { guests, stateDir, excludes: [], strategy: "hardlink", guard: "immutable", threads: 1 } as const;
}

test.for(thorough ? all : usual)("guard immutable on $type: who comes to $writer a shared file just when $verb has its flag lifted neither reaches the other guests nor loses a write", async ({ type, verb, writer }, { skip, annotate }) => {
  const reason = loopFsSkipReason(type) ?? noStrace;
  skip(reason !== undefined, reason);
  await withLoopFs(type, 64, async ({ mount }) => {
    const options = await stage(mount);
    const before = await manifests(options.guests);
    const tools = options.guests.flatMap(({ path }) => [join(path, "usr/tool"), join(path, "usr/same-tool")]);
    if (verb !== "unify") await unify(options);
    const inodes = async () => Promise.all(tools.map(async (tool) => (await stat(tool)).ino));
    // Killed with the flag lifted: the first name has its copy, the second still shows the shared file.
    if (verb === "recovery") await runEngine("deunify", options, { wrapper: ["strace", "--follow-forks", "--quiet=all", "--output=/dev/null", "--trace=renameat2", "--inject=renameat2:signal=SIGKILL:when=2"] });
    const start = await inodes();
    const wrapper = ["strace", "--follow-forks", "--quiet=all", "--output=/dev/null", "--trace=renameat2", `--inject=renameat2:delay_exit=${held}ms`];
    const running = runEngine(verb === "recovery" ? "deunify" : verb, options, { wrapper });
    let moved = -1;
    for (let looks = 0; moved < 0 && looks < 4000; looks++, await sleep(5)) moved = (await inodes()).findIndex((ino, at) => ino !== start[at]);
    expect(moved, "no name was exchanged").toBeGreaterThanOrEqual(0);
    // In unify the name that was exchanged leads to the shared file; else it is a name that was not yet.
    const victim = verb === "unify" ? moved : (await inodes()).indexOf(start[moved] ?? 0);
    const tool = tools[victim] ?? "";
    const { status } = spawnSync("timeout", ["20", "sh", "-c", writers[writer], "sh", tool]);
    const { report, stderr } = await running;
    expect(report?.failures, stderr).toEqual([]);
    await annotate(`${tool}: ${status === 0 ? "let" : "refused"}`);
    const content = await readFile(tool, "utf8");
    // What was let is there; what was refused was not done.
    const isThere = writer === "read" ? content.startsWith("shared") : content.startsWith("written") || content.length === 3;
    expect(isThere, `${status}: ${content.slice(0, 20)}, ${content.length} bytes`).toBe(status === 0);
    const differences = await differencesAfterCrash(options.guests, before, "before-next");
    // A write that was let is its own guest's only.
    expect(status === 0 && writer !== "read" ? differences.filter((line) => !tool.startsWith(`${line.split(":")[0]}/`)) : differences).toEqual([]);
    expect((await deunify(options)).failures).toEqual([]);
    expect(await inodesShared(options.guests)).toBe(0);
  });
});
