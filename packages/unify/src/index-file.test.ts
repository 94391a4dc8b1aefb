import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readIndex, writeIndex } from "./index-file.ts";

let directory = "";
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "samepage-index-"));
});
afterEach(() => rm(directory, { recursive: true }));

const records = Uint8Array.from({ length: 128 }, (_, at) => at).buffer;

test("an index reads back as it was written", () => {
  expect(readIndex(directory)).toBeUndefined();
  expect(writeIndex(join(directory, "state"), records)).toBe(true);
  expect(readIndex(join(directory, "state"))).toEqual(records);
});

test("a damaged or cut index is taken for none", async () => {
  writeIndex(directory, records);
  const path = join(directory, "index");
  const bytes = await readFile(path);
  for (const at of [0, 17, 70, bytes.length - 1]) {
    const damaged = Buffer.from(bytes);
    damaged[at] = (damaged[at] ?? 0) ^ 1;
    await writeFile(path, damaged);
    expect(readIndex(directory), `byte ${at}`).toBeUndefined();
  }
  await writeFile(path, bytes.subarray(0, 128));
  expect(readIndex(directory)).toBeUndefined();
});

test("a state directory that cannot be written is no failure", () => {
  writeIndex(directory, records);
  expect(writeIndex(join(directory, "index", "below-a-file"), records)).toBe(false);
});
