import { createHash } from "node:crypto";
import { closeSync, constants, openSync } from "node:fs";
import { chmod, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { compareTrees } from "../drift/compare-trees.ts";
import { summariseDrift } from "../drift/summarise-drift.ts";
import { syntheticElf } from "../testing/synthetic-elf.ts";
import { buildManifest } from "./build-manifest.ts";
import { readManifest } from "./manifest-reader.ts";
import type { WriterPosition } from "./manifest-writer.ts";
import { restoreEntry } from "./restore-entry.ts";
import type { TreeEntry } from "./tree-entry.ts";

let directory = "";
const open: number[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "samepage-manifest-"));
});
afterEach(async () => {
  for (const fd of open.splice(0)) closeSync(fd);
  await rm(directory, { recursive: true, force: true });
});

function rootOf(name: string): number {
  const fd = openSync(join(directory, name), constants.O_RDONLY | constants.O_DIRECTORY);
  open.push(fd);
  return fd;
}

/** A small system: merged /usr, a package database, a program, configuration, runtime directories. */
async function makeTree(name: string, version: string): Promise<void> {
  const at = (path: string) => join(directory, name, path);
  for (const path of ["usr/lib", "usr/bin", "etc", "proc/1", "tmp", "var/lib/dpkg/info"]) await mkdir(at(path), { recursive: true });
  await symlink("usr/lib", at("lib"));
  await writeFile(at("proc/1/stat"), "runtime");
  await writeFile(at("tmp/x"), "runtime");
  await writeFile(at("etc/app.conf"), `setting ${version}\n`);
  await writeFile(at("usr/bin/app"), `#!/bin/sh\necho ${version}\n`);
  await chmod(at("usr/bin/app"), 0o755);
  const { original, prelinked } = syntheticElf();
  await writeFile(at("usr/lib/libapp.so"), version === "prelinked" ? prelinked : original);
  await writeFile(at("var/lib/dpkg/info/app:amd64.list"), "/.\n/lib\n/lib/libapp.so\n/usr/bin/app\n/etc/app.conf\n");
}

async function build(name: string, position?: WriterPosition, stopAfter = Number.POSITIVE_INFINITY) {
  const frames: Buffer[] = [];
  let last = position;
  const built = await buildManifest({
    root: rootOf(name),
    conffiles: new Set(["/etc/app.conf"]),
    onFrame: (frame, at) => {
      if (frames.length >= stopAfter) throw new Error("interrupted");
      frames.push(frame);
      last = at;
      return Promise.resolve();
    },
    ...(position === undefined ? {} : { position }),
  }).catch((error: unknown) => {
    if (error instanceof Error && error.message === "interrupted") return undefined;
    throw error;
  });
  return { built, bytes: Buffer.concat(frames), position: last };
}
const entriesOf = async (name: string): Promise<TreeEntry[]> => [...readManifest((await build(name)).bytes)];

test("a tree is described whole: owners, configuration, links, objects; runtime directories without contents", async () => {
  await makeTree("a", "1");
  const entries = new Map((await entriesOf("a")).map((entry) => [entry.path.toString(), entry]));
  expect([...entries.keys()]).toEqual([
    "etc", "etc/app.conf", "lib", "proc", "tmp", "usr", "usr/bin", "usr/bin/app", "usr/lib", "usr/lib/libapp.so",
    "var", "var/lib", "var/lib/dpkg", "var/lib/dpkg/info", "var/lib/dpkg/info/app:amd64.list",
  ]); // prettier-ignore
  expect(entries.get("etc/app.conf")).toMatchObject({ conffile: true, package: "app", type: "file" });
  expect(entries.get("usr/bin/app")).toMatchObject({ mode: 0o755, package: "app", digest: createHash("sha256").update("#!/bin/sh\necho 1\n").digest() });
  expect(entries.get("lib")).toMatchObject({ type: "symlink", target: Buffer.from("usr/lib") });
  expect(entries.get("usr/lib/libapp.so")).toMatchObject({ package: "app", prelinked: false });
});

test("a prelinked guest drifts by prelinked variants, not by modified files", async () => {
  await makeTree("template", "1");
  await makeTree("guest", "1");
  await writeFile(join(directory, "guest/usr/lib/libapp.so"), syntheticElf().prelinked);
  const { counts } = summariseDrift(compareTrees(await entriesOf("template"), await entriesOf("guest")));
  expect(counts).toEqual({ modified: 0, missing: 0, extra: 0, permissions: 0, prelinked: 1, conffile: 0 });
});

test("an interrupted publication goes on after its last stored frame and ends at the same manifest", async () => {
  await mkdir(join(directory, "a/data"), { recursive: true });
  for (let i = 0; i < 5000; i++) await writeFile(join(directory, `a/data/a-rather-long-name-of-a-file-${i}`), String(i));
  const whole = await build("a");
  const first = await build("a", undefined, 1);
  expect(first.built).toBeUndefined();
  const second = await build("a", first.position);
  expect(second.built?.name).toBe(whole.built?.name);
  expect(second.built?.entries).toBe(5001);
  expect(Buffer.concat([first.bytes, second.bytes]).equals(whole.bytes)).toBe(true);
});

test("an aborted build rejects with the signal's reason", async () => {
  await makeTree("a", "1");
  const signal = AbortSignal.abort(new Error("window closed"));
  await expect(buildManifest({ root: rootOf("a"), conffiles: new Set(), onFrame: () => Promise.resolve(), signal })).rejects.toThrow("window closed");
});

async function* chunks(...parts: Buffer[]): AsyncGenerator<Buffer> {
  yield* await Promise.resolve(parts);
}

test("a restored path is the template's again, and drift is gone", async () => {
  await makeTree("template", "1");
  await makeTree("guest", "2");
  const template = await entriesOf("template");
  const app = template.find(({ path }) => path.toString() === "usr/bin/app");
  if (app === undefined) throw new Error("not in the manifest");
  await restoreEntry(rootOf("guest"), app, { bytes: chunks(await readFile(join(directory, "template/usr/bin/app"))) });
  const drifts = [...compareTrees(template, await entriesOf("guest"))].map(({ kind, guest }) => `${kind} ${guest?.path.toString()}`);
  expect(drifts).toEqual(["conffile etc/app.conf"]);
  expect((await stat(join(directory, "guest/usr/bin/app"))).mode & 0o7777).toBe(0o755);
});

test.each([
  ["other bytes", [Buffer.from("#!/bin/sh\necho X\n")]],
  ["too few", [Buffer.from("#!/bin")]],
  ["too many", [Buffer.from("#!/bin/sh\necho 1\n"), Buffer.from("more")]],
])("restoring from a copy with %s changes nothing and leaves nothing behind", async (_name, parts) => {
  await makeTree("template", "1");
  await makeTree("guest", "2");
  const app = (await entriesOf("template")).find(({ path }) => path.toString() === "usr/bin/app");
  if (app === undefined) throw new Error("not in the manifest");
  await expect(restoreEntry(rootOf("guest"), app, { bytes: chunks(...parts) })).rejects.toMatchObject({ code: "restore-digest" });
  expect(await readFile(join(directory, "guest/usr/bin/app"), "utf8")).toBe("#!/bin/sh\necho 2\n");
  expect(await readdir(join(directory, "guest/usr/bin"))).toEqual(["app"]);
});

test("restoring never writes into an inode that others share, nor through a link out of the guest", async () => {
  await makeTree("template", "1");
  await makeTree("guest", "2");
  await mkdir(join(directory, "other"));
  await link(join(directory, "guest/usr/bin/app"), join(directory, "other/app"));
  const app = (await entriesOf("template")).find(({ path }) => path.toString() === "usr/bin/app");
  if (app === undefined) throw new Error("not in the manifest");
  const content = await readFile(join(directory, "template/usr/bin/app"));
  await restoreEntry(rootOf("guest"), app, { bytes: chunks(content) });
  expect(await readFile(join(directory, "other/app"), "utf8")).toBe("#!/bin/sh\necho 2\n");
  await rm(join(directory, "guest/usr/bin"), { recursive: true });
  await symlink("../../other", join(directory, "guest/usr/bin"));
  await expect(restoreEntry(rootOf("guest"), app, { bytes: chunks(content) })).rejects.toMatchObject({ code: "ENOTDIR" });
  expect(await readdir(join(directory, "other"))).toEqual(["app"]);
});
