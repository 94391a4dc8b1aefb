import { readdirSync, readFileSync } from "node:fs";
import { lstat, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loopFsSkipReason, temporaryDirectory, withLoopFs } from "@samepage/test-support";
import { expect, test } from "vitest";
import { commandTable } from "./command-table.ts";
import { flagOf } from "./build-program.ts";
import { runSamepage } from "./run-samepage.test-support.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const pages = ["README.md", "ARCHITECTURE.md", ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`)];

/** Every `samepage …` in code blocks and code spans of the pages, without comments. */
function documented(): { readonly page: string; readonly command: string }[] {
  return pages.flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8");
    const blocks = [...text.matchAll(/^```sh\n(.*?)^```/gmsu)].flatMap(([, block = ""]) => block.split("\n"));
    const spans = [...text.matchAll(/`(samepage [^`\n]+)`/gu)].map(([, span = ""]) => span);
    return [...blocks, ...spans].map((line) => line.replace(/\s+#.*$/u, "").trim()).filter((line) => line.startsWith("samepage ")).map((command) => ({ page, command }));
  });
}

test("every command in the documentation exists, and so does each of its options", () => {
  const wrong = documented().filter(({ command }) => {
    // What stands after -- is another program's.
    const words = (command.split(" -- ")[0] ?? "").split(/\s+/u).slice(1);
    const verb = commandTable.verbs.find(({ path }) => path === words.slice(0, path.split(" ").length).join(" "));
    // A group by itself (`samepage ksm`) is help, not a command.
    if (verb === undefined) return commandTable.groups[words[0] ?? ""] === undefined || words.length > 1;
    const known = new Set([...Object.keys(verb.options).map(flagOf), "--json", "--help"]);
    return words.some((word) => word.startsWith("--") && !known.has(word.split("=")[0] ?? ""));
  });
  expect(documented().length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});

test("the first steps of the operations page work as written: doctor, plan, unify, status, verify, deunify, gc", async ({ skip }) => {
  const reason = loopFsSkipReason("ext4");
  skip(reason !== undefined, reason);
  await using state = await temporaryDirectory();
  await withLoopFs("ext4", 64, async ({ mount }) => {
    const guests = ["web", "mail"].map((name) => join(mount, name));
    for (const guest of guests) {
      await mkdir(join(guest, "usr/lib"), { recursive: true });
      // One time for both: files of one package have it in every guest.
      await writeFile(join(guest, "usr/lib/library.so"), "equal bytes ".repeat(1000));
    }
    const options = ["--ignore-mtime", "--strategy", "hardlink", "--guard", "none", "--state-dir", state.path, "--json"];
    const run = async (verb: string, ...more: string[]): Promise<Record<string, unknown>> => {
      const { status, stdout, stderr } = await runSamepage(["local", verb, ...guests, ...more]);
      expect(`${status} ${stderr.split("\n").filter((line) => line.startsWith("samepage:")).join("")}`).toBe("0 ");
      const answer: Record<string, unknown> = JSON.parse(stdout);
      return answer;
    };
    const inodes = async (): Promise<bigint[]> => Promise.all(guests.map(async (guest) => (await lstat(join(guest, "usr/lib/library.so"), { bigint: true })).ino));
    const isShared = async (): Promise<boolean> => new Set(await inodes()).size === 1;
    const place = ["--state-dir", state.path, "--json"];

    const before = await inodes();
    expect(await run("plan", ...options)).toMatchObject({ dryRun: true, strategy: "hardlink", guard: "none", files: { unified: 1 } });
    expect(await inodes()).toEqual(before);
    expect(await run("unify", ...options)).toMatchObject({ dryRun: false, files: { scanned: 2 } });
    expect(await isShared()).toBe(true);
    expect(await run("unify", ...options)).toMatchObject({ files: { unified: 0 } });
    expect(await run("status", ...place)).toMatchObject({ guests: [{ shared: 1 }, { shared: 1 }] });
    expect(await run("verify", ...place)).toMatchObject({ pools: [{ objects: 1, damaged: [] }] });
    await run("deunify", ...place);
    expect(await isShared()).toBe(false);
    await run("gc", ...place);
    expect(await run("status", ...place)).toMatchObject({ pools: [{ objects: 0, pending: 0 }], guests: [{ shared: 0 }, { shared: 0 }] });
  });
});
