import { chmod, mkdir, readFile, utimes, writeFile } from "node:fs/promises";
import { closeSync, constants, openSync } from "node:fs";
import { join } from "node:path";
import { restoreGuests } from "@samepage/agent/restore-guests";
import { buildManifest } from "@samepage/catalog";
import { prelinkFixtures, fixturesReason } from "@samepage/catalog/prelink-fixtures";
import { temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";

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
  const root = openSync(at("template"), constants.O_RDONLY | constants.O_DIRECTORY);
  const frames: Buffer[] = [];
  const { name } = await buildManifest({ root, conffiles: new Set(), onFrame: async (frame) => void frames.push(frame) });
  closeSync(root);
  const manifest = { version: "1", domain: "blue", manifest: Buffer.from(name, "hex"), parts: 1, otherVersions: [], bytes: Buffer.concat(frames) };
  const guest = (called: string) => ({ name: called, path: at(called), domain: "blue", state: "stopped" as const, provider: "dir" });
  const everyone = ["guest", "template", "upgraded"].map(guest);
  const adopt = async (called: string) =>
    restoreGuests({ template: "t", version: "1", paths: [], adoptPrelink: true }, [guest(called)], everyone, { readTemplate: async () => manifest, wantContent: never, readContent: never }, { limits: { background: false, pressureLimit: 100 }, signal: new AbortController().signal });

  expect(await adopt("guest")).toMatchObject({ restored: 3n, failures: [], leftAlone: [], bytesFetched: 0n });
  for (const path of names) expect((await readFile(at(`guest/${path}`))).equals(await readFile(at(`template/${path}`)))).toBe(true);
  expect(await adopt("guest")).toMatchObject({ restored: 0n, failures: [] });

  const left = await adopt("upgraded");
  expect(left).toMatchObject({ restored: 0n, failures: [] });
  expect(left.leftAlone.map(({ path }) => path).sort()).toEqual(["bin/prog-pie", "lib/libmid.so"]);
  expect(await readFile(at("upgraded/lib/libbase.so"), "utf8")).toBe("a newer library");
});

async function never(): Promise<never> {
  return Promise.reject(new Error("every copy is on this host"));
}
