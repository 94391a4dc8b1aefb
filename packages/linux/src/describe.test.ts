import { createHash } from "node:crypto";
import { closeSync, constants, openSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { describeBelow, listBelow } from "./describe.ts";
import { JobControl } from "./job-control.ts";
import { openBelow, setAttribute } from "./open-below.ts";

let directory = "";
let root = -1;
const control = new JobControl();

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "samepage-describe-"));
  await mkdir(join(directory, "tree/sub"), { recursive: true });
  await writeFile(join(directory, "outside"), "not of the tree");
  root = openSync(join(directory, "tree"), constants.O_RDONLY | constants.O_DIRECTORY);
});
afterEach(async () => {
  closeSync(root);
  await rm(directory, { recursive: true, force: true });
});
const inTree = (path: string | Buffer) => (typeof path === "string" ? join(directory, "tree", path) : Buffer.concat([Buffer.from(`${directory}/tree/`), path]));

test("every name is listed with its type, and names may be any bytes", async () => {
  const odd = Buffer.from([0xff, 0x0a, 0x41]);
  await writeFile(inTree(odd), "x");
  await symlink("../outside", inTree("sub/link"));
  execFileSync("mkfifo", [String(inTree("fifo"))]);
  const names = await listBelow(root, control);
  const shown = names.map(({ path, mode, target }) => [path.toString("latin1"), (mode >> 12).toString(8), target.toString()].join(" ")).sort();
  expect(shown).toEqual(["fifo 1 ", "sub 4 ", "sub/link 12 ../outside", "\u{ff}\nA 10 "]);
});

test("content, permissions and attributes of files come in the order asked", async () => {
  await writeFile(inTree("a"), "alpha");
  await writeFile(inTree("sub/b"), Buffer.from("\u{7f}ELF rest", "latin1"));
  await chmod(inTree("a"), 0o640);
  const [b, missing, a, sub] = await describeBelow(root, ["sub/b", "none", "a", "sub"].map((path) => Buffer.from(path)), control);
  expect(a).toMatchObject({ size: 5, elf: false, changed: false, error: undefined });
  expect(a?.digest).toEqual(createHash("sha256").update("alpha").digest());
  expect((a?.mode ?? 0) & 0o7777).toBe(0o640);
  expect(b?.elf).toBe(true);
  expect(missing?.error).toBe("ENOENT");
  expect(sub).toMatchObject({ error: undefined, attributes: [] });
});

test.skipIf(process.getuid?.() !== 0)("attributes come with their bytes, sorted (skipped unless root: security.* needs it)", async () => {
  await writeFile(inTree("a"), "alpha");
  const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
  const fd = openSync(String(inTree("a")), "r+");
  setAttribute(fd, "security.capability", capability);
  closeSync(fd);
  const [a] = await describeBelow(root, [Buffer.from("a")], control);
  expect(a?.attributes).toEqual([{ name: "security.capability", value: capability }]);
});

test("a symbolic link leads nowhere, not even by a directory in the path", async () => {
  await symlink("..", inTree("up"));
  await symlink("../outside", inTree("link"));
  const found = await describeBelow(root, ["up/outside", "link", "../outside"].map((path) => Buffer.from(path)), control);
  expect(found.map(({ error }) => error)).toEqual(["ELOOP", "ELOOP", "EXDEV"]);
  for (const path of ["up/outside", "link", "../outside"]) expect(() => openBelow(root, Buffer.from(path), constants.O_RDONLY)).toThrow(/ELOOP|EXDEV|openat2/);
});

test("a FIFO is refused and hangs nobody", async () => {
  execFileSync("mkfifo", [String(inTree("fifo"))]);
  const [fifo] = await describeBelow(root, [Buffer.from("fifo")], control);
  expect(fifo?.error).toBe("EINVAL");
});

test("a cancelled listing rejects", async () => {
  const cancelled = new JobControl();
  cancelled.cancel();
  await expect(listBelow(root, cancelled)).rejects.toMatchObject({ code: "ECANCELED" });
});
