import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { makeDirectory } from "./make-directory.ts";

test("directories are made, private, however many are missing", () => {
  const root = mkdtempSync(join(tmpdir(), "samepage-make-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  makeDirectory(join(root, "a/b/c"));
  makeDirectory(join(root, "a/b/c"));
  expect(statSync(join(root, "a/b/c")).mode & 0o7777).toBe(0o700);
  writeFileSync(join(root, "file"), "");
  expect(() => makeDirectory(join(root, "file/x"))).toThrow(/EEXIST|ENOTDIR/u);
});

test("where nothing can be made it is an error at once", () => {
  expect(() => makeDirectory("/proc/none/such")).toThrow(/ENOENT|EACCES|EPERM/u);
});
