import { execFile } from "node:child_process";
import { cp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

/** What buf says of a contract changed by one replacement, compared with the released one; empty when it may be. */
async function complaintOf(file: string, from: string, to: string): Promise<string> {
  await using dir = await temporaryDirectory("samepage-wire-");
  await cp(join(root, "proto"), join(dir.path, "proto"), { recursive: true });
  await cp(join(root, "buf.yaml"), join(dir.path, "buf.yaml"));
  const path = join(dir.path, "proto/samepage/v1", file);
  const text = await readFile(path, "utf8");
  expect(text).toContain(from);
  await writeFile(path, text.replace(from, to));
  return await run(join(root, "node_modules/.bin/buf"), ["breaking", "--against", "proto/released.json"], { cwd: dir.path }).then(
    () => "",
    ({ stdout, stderr }: { stdout: string; stderr: string }) => stdout + stderr,
  );
}

test.each([
  ["a field that is gone", "agent.proto", "  bytes plan_hash = 5;\n", ""],
  ["a number that means something else", "agent.proto", "int64 not_after_ns = 4;", "int64 not_after_ns = 14;"],
  ["a type that reads other bytes", "report.proto", "bytes plan_hash = 3;", "int64 plan_hash = 3;"],
  ["an operation that is gone", "operation.proto", "    DeunifyOperation deunify = 12;\n", ""],
])("%s is refused", async (_, file, from, to) => {
  expect(await complaintOf(file, from, to)).toMatch(/^proto\/samepage\/v1\/\w+\.proto:\d+/u);
});

test("a new field is not", async () => {
  expect(await complaintOf("agent.proto", "  bytes plan_hash = 5;\n", "  bytes plan_hash = 5;\n  string new_field = 99;\n")).toBe("");
});
