import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runSamepage } from "../run-samepage.test-support.ts";

test("samepage local prelink answers for every file named, whatever it is", async () => {
  const directory = await mkdtemp(join(tmpdir(), "samepage-prelink-"));
  onTestFinished(async () => rm(directory, { recursive: true, force: true }));
  const text = join(directory, "text");
  await writeFile(text, "no program");
  const { status, stdout } = await runSamepage(["local", "prelink", text, process.execPath, "--json"]);
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    files: [text, process.execPath].map((path) => ({ path, prelinked: false, moved: false, originalDigest: null })),
  });
});

test.for([
  ["missing", "missing does not exist. Check the spelling; nothing was changed."],
  [".", "not-a-file: . is not a regular file. Name a program or a library."],
  ["link", "link is a symbolic link. Name the file it points to."],
] as const)("samepage local prelink refuses %s in one line", async ([name, line]) => {
  const directory = await mkdtemp(join(tmpdir(), "samepage-prelink-"));
  onTestFinished(async () => rm(directory, { recursive: true, force: true }));
  await symlink("elsewhere", join(directory, "link"));
  const { status, stderr } = await runSamepage(["local", "prelink", join(directory, name)]);
  expect(status).toBe(2);
  expect(stderr.replaceAll(`${directory}/`, "").replace(directory, ".")).toBe(`samepage: ${line}\n`);
});
