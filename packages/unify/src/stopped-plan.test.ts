import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { loopFsSkipReason, openLoopFs } from "@samepage/test-support";
import { expect, test } from "vitest";
import { planUnify } from "./engine.ts";
import type { Guest } from "./guest.ts";

const files = 16;
const fileBytes = 512 * 1024;

const skipReason = loopFsSkipReason("ext4");

test.skipIf(skipReason !== undefined)(`what a run has read before it was stopped is not read again by the next one${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`, async () => {
  // A file system of its own: what a pool of this machine's holds would be read too.
  await using disk = await openLoopFs("ext4", 64);
  const dir = disk.mount;
  const guests = ["a", "b"].map((name): Guest => ({ name, path: join(dir, name), domain: "default", state: "stopped" }));
  for (const { path } of guests) {
    await mkdir(path);
    for (let file = 0; file < files; file++) {
      await writeFile(join(path, `${file}`), Buffer.alloc(fileBytes, `${file} `));
      await utimes(join(path, `${file}`), 1, 1);
    }
  }
  const options = { guests, stateDir: join(dir, "state"), strategy: "hardlink", guard: "none" } as const;
  // 16 MiB at 4 MiB/s: stopped about half-way.
  const stop = new AbortController();
  using stopped = await planUnify({ ...options, bytesPerSecond: 4 * 1024 * 1024, signal: stop.signal, onProgress: ({ bytes }) => bytes > 6 * 1024 * 1024 && stop.abort() });
  expect(stopped.report.stopped).toBe("cancelled");
  using plan = await planUnify(options);
  expect(plan.report.files.unified).toBe(files);
  expect(plan.report.bytes.read).toBeLessThanOrEqual(2 * files * fileBytes - 5 * 1024 * 1024);
});
