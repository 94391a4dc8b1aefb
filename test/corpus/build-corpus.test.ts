import { lstatSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";
import { readAptSources } from "./apt-sources.ts";
import { buildCorpus, compareManifests, type Manifest, manifest } from "./index.ts";

/** Files of one guest that another has with the same content, as shares of its files. */
function common(one: Manifest, other: Manifest): { content: number; everything: number; files: number } {
  const files = [...one].filter(([, { type }]) => type === "file");
  const same = files.filter(([path, { content }]) => other.get(path)?.content === content);
  const label = ({ mode, uid, gid, mtimeNs, attributes }: NonNullable<ReturnType<Manifest["get"]>>) =>
    JSON.stringify([mode, String(uid), String(gid), String(mtimeNs), [...attributes]]);
  const everything = same.filter(([path, entry]) => label(entry) === label(other.get(path) ?? entry));
  return { content: same.length / files.length, everything: everything.length / files.length, files: files.length };
}

test("guests are mostly the same, honestly different, private copies, and the same again from the same seed", async ({ skip }) => {
  skip(process.getuid?.() !== 0, "needs root to make guests");
  await using scratch = await temporaryDirectory();
  const first = await buildCorpus({ directory: join(scratch.path, "first"), guests: 2, seed: 7 });
  const again = await buildCorpus({ directory: join(scratch.path, "again"), guests: 1, seed: 7 });
  expect(first.map(({ name }) => name)).toEqual(["guest-1", "guest-2"]);
  const [one, two, one2] = await Promise.all([...first, ...again].map(({ path }) => manifest(path)));
  if (one === undefined || two === undefined || one2 === undefined) throw new Error("guests are missing");

  const shared = common(one, two);
  expect(shared.files).toBeGreaterThan(1000);
  expect(shared.content).toBeGreaterThan(0.9);
  expect(shared.everything).toBeGreaterThan(0.9);
  expect(shared.content).toBeLessThan(0.995);
  expect(shared.everything).toBeLessThan(shared.content);

  const names = first.map(({ path }) => new Set([...one].flatMap(([name]) => (lstatSync(Buffer.from(`${path}/${name}`, "latin1"), { throwIfNoEntry: false })?.ino ?? []))));
  expect(names[0]?.isDisjointFrom(names[1] ?? new Set())).toBe(true);

  // What the run itself makes new (directories' times) is left out.
  const settled = (of: Manifest): Manifest => new Map([...of].filter(([, { type }]) => type === "file"));
  expect(compareManifests(settled(one), settled(one2))).toEqual([]);
});

test("the mirror is the machine's own: Debian's suites are found in both notations, third parties' are not", async () => {
  await using scratch = await temporaryDirectory();
  const at = (name: string) => join(scratch.path, name);
  await writeFile(at("os-release"), 'ID=debian\nVERSION_CODENAME=bookworm\n');
  await writeFile(
    at("sources.list"),
    "deb [signed-by=/keys/debian.gpg arch=amd64] http://mirror.example/debian bookworm main contrib\n" +
      "deb-src http://mirror.example/debian bookworm main\ndeb http://other.example/apt stable main\n" +
      "# deb http://off.example/debian bookworm main\n",
  );
  expect(await readAptSources(scratch.path, at("os-release"))).toEqual({
    codename: "bookworm",
    release: "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By: /keys/debian.gpg\n",
    current: "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\nSigned-By: /keys/debian.gpg\n",
  });
  await writeFile(at("sources.list"), "");
  expect(await readAptSources(scratch.path, at("os-release"))).toBeUndefined();
});
