import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, openSync, statSync } from "node:fs";
import { chmod, mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { restoreGuests } from "@samepage/agent/restore-guests";
import { buildManifest } from "@samepage/catalog";
import { prelinkFixtures, fixturesReason } from "@samepage/catalog/prelink-fixtures";
import { run, temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";
import type { AdoptOrder } from "./adopt-child.ts";

const child = join(import.meta.dirname, "adopt-child.ts");
const fixtures = prelinkFixtures();
const names = ["lib/libbase.so", "lib/libmid.so", "bin/prog-pie"];

/** A tree whose objects were prelinked by one of the fixtures' runs. */
async function plant(root: string, run: "a" | "b" | "original", replaced: Record<string, string> = {}): Promise<void> {
  for (const name of names) await write(join(root, name), replaced[name] ?? fixtures?.read(`x86-64/${run}/${name.slice(4)}`) ?? "");
  for (const name of ["lib/libc.so.6", "lib/ld-linux-x86-64.so.2"]) await write(join(root, name), "the same everywhere");
}

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(join(path, ".."), { recursive: true });
  await writeFile(path, content);
  await chmod(path, 0o755);
  await utimes(path, 1_700_000_000, 1_700_000_000);
}

test.skipIf(fixtures === undefined)(`a guest's prelinked variants become the template's with all they need, and what cannot go along stays (skipped when ${fixturesReason})`, async () => {
  await using scratch = await temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  await plant(at("template"), "b");
  await plant(at("guest"), "a");
  await plant(at("upgraded"), "a", { "lib/libbase.so": "a newer library" });
  const { digest, bytes } = await manifestOf(at("template"));
  const manifest = { version: "1", domain: "blue", manifest: Buffer.from(digest, "hex"), parts: 1, otherVersions: [], bytes };
  const guest = (called: string) => ({ name: called, path: at(called), domain: "blue", state: "stopped" as const, provider: "dir" });
  const everyone = ["guest", "template", "upgraded"].map(guest);
  const adopt = async (called: string) =>
    restoreGuests({ template: "t", version: "1", paths: [], adoptPrelink: true }, [guest(called)], everyone, { readTemplate: async () => manifest, wantContent: never, readContent: never }, { limits: { background: false, paced: false, pressureLimit: 100 }, signal: new AbortController().signal });

  expect(await adopt("guest")).toMatchObject({ restored: 3n, failures: [], leftAlone: [], bytesFetched: 0n });
  for (const path of names) expect((await readFile(at(`guest/${path}`))).equals(await readFile(at(`template/${path}`)))).toBe(true);
  expect(await adopt("guest")).toMatchObject({ restored: 0n, failures: [] });

  const left = await adopt("upgraded");
  expect(left).toMatchObject({ restored: 0n, failures: [] });
  expect(left.leftAlone.map(({ path }) => path).sort()).toEqual(["bin/prog-pie", "lib/libmid.so"]);
  expect(await readFile(at("upgraded/lib/libbase.so"), "utf8")).toBe("a newer library");
});

/** Guests in a row, so that a kill meets some that are switched, one that is being switched, and some that are not. */
const inRow = Array.from({ length: 16 }, (_, at) => `guest-${at}`);
/** Processes killed. Thorough: 50. */
const kills = process.env["SAMEPAGE_THOROUGH"] === "1" ? 50 : 3;

test.skipIf(fixtures === undefined)(`killed in the middle of switching, every file is whole, the variant or the template's, and running again finishes (skipped when ${fixturesReason})`, { timeout: 600_000 }, async () => {
  await using scratch = await temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  await plant(at("template"), "b");
  const { digest, bytes } = await manifestOf(at("template"));
  await writeFile(at("manifest"), bytes);
  let inMiddle = 0;
  for (let round = 0; round < kills; round++) {
    for (const guest of inRow) await plant(at(`${round}/${guest}`), "a");
    const order: AdoptOrder = { manifest: at("manifest"), digest, guests: inRow.map((guest) => at(`${round}/${guest}`)), template: at("template") };
    // Killed once this guest begins to change, a random while later.
    const mark = at(`${round}/${inRow[Math.floor(Math.random() * 6)] ?? ""}/${names[round % names.length] ?? ""}`);
    const before = statSync(mark).ino;
    const killed = spawn(process.execPath, [child, JSON.stringify(order)], { stdio: "ignore" });
    const ended = once(killed, "exit");
    while (killed.exitCode === null && statSync(mark).ino === before) await sleep(1);
    await sleep(Math.random() * 10);
    killed.kill("SIGKILL");
    await ended;

    let switched = 0;
    for (const guest of inRow) {
      for (const path of names) {
        const found = await readFile(at(`${round}/${guest}/${path}`));
        const isTemplates = found.equals(await readFile(at(`template/${path}`)));
        expect(isTemplates || found.equals(fixtures?.read(`x86-64/a/${path.slice(4)}`) ?? Buffer.alloc(0)), `${guest}/${path}`).toBe(true);
        if (isTemplates) switched++;
      }
    }
    const all = inRow.length * names.length;
    if (switched > 0 && switched < all) inMiddle++;
    expect(JSON.parse(await run(process.execPath, [child, JSON.stringify(order)]))).toEqual({ restored: all - switched, failures: [], leftAlone: [] });
    for (const guest of inRow) {
      for (const path of names) expect((await readFile(at(`${round}/${guest}/${path}`))).equals(await readFile(at(`template/${path}`)))).toBe(true);
      // Nor is anything left of what the killed run had begun to write.
      expect((await readdir(at(`${round}/${guest}`), { recursive: true })).filter((name) => name.includes(".samepage"))).toEqual([]);
    }
  }
  expect(inMiddle).toBeGreaterThan(0);
});

/** @returns the manifest's digest, hexadecimal, and its bytes */
async function manifestOf(path: string): Promise<{ readonly digest: string; readonly bytes: Buffer }> {
  const root = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  const frames: Buffer[] = [];
  const { name } = await buildManifest({ root, conffiles: new Set(), onFrame: async (frame) => void frames.push(frame) });
  closeSync(root);
  return { digest: name, bytes: Buffer.concat(frames) };
}

async function never(): Promise<never> {
  return Promise.reject(new Error("every copy is on this host"));
}
