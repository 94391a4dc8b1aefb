import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { foreignChanges } from "./foreign-writers.ts";
import { HOST_PATHS } from "./ksm-paths.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { readKnobs } from "./knob-files.ts";
import { bootId, readState, withStateLock } from "./state-file.ts";
import { applyKnobs, restoreKnobs } from "./transaction.ts";

/** Plain files shaped like an older kernel's directory: no advisor, no smart scan. The real kernel's has its own tests. */
let paths: KsmPaths;
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "samepage-ksm-"));
  paths = { ...HOST_PATHS, sysfs: join(directory, "ksm"), state: join(directory, "state/ksm.json") };
  mkdirSync(paths.sysfs);
  for (const [name, value] of Object.entries({ run: 0, pages_to_scan: 100, sleep_millisecs: 20, use_zero_pages: 0, pages_shared: 0, pages_sharing: 0 }))
    writeFileSync(join(paths.sysfs, name), `${value}\n`);
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

const boot = bootId("/proc");

describe("one transaction", () => {
  it("records the state before, then restores exactly that and forgets it", async () => {
    const before = readKnobs(paths.sysfs);
    await applyKnobs(paths, { run: 1, pages_to_scan: 2000 });
    await applyKnobs(paths, { sleep_millisecs: 5 });
    expect(readKnobs(paths.sysfs)).toEqual({ ...before, run: 1, pages_to_scan: 2000, sleep_millisecs: 5 });
    expect(readState(paths.state, boot)?.before).toEqual(before);
    await restoreKnobs(paths);
    expect(readKnobs(paths.sysfs)).toEqual(before);
    expect(readState(paths.state, boot)).toBeUndefined();
  });

  it("undoes its earlier writes when a later one fails, and leaves no record", async () => {
    // A knob that takes every write and keeps none: success is only what reads back.
    rmSync(join(paths.sysfs, "pages_to_scan"));
    symlinkSync("/dev/null", join(paths.sysfs, "pages_to_scan"));
    const before = readKnobs(paths.sysfs);
    await expect(applyKnobs(paths, { sleep_millisecs: 1, pages_to_scan: 900 })).rejects.toMatchObject({ code: "io" });
    expect(readKnobs(paths.sysfs)).toEqual(before);
    expect(readState(paths.state, boot)).toBeUndefined();
  });

  it("changes nothing on bad input", async () => {
    const before = readKnobs(paths.sysfs);
    await expect(applyKnobs(paths, { pages_to_scan: 5000, sleep_millisecs: -1 })).rejects.toMatchObject({ code: "out-of-range" });
    await expect(applyKnobs(paths, { smart_scan: 1 })).rejects.toMatchObject({ code: "unsupported" });
    expect(readKnobs(paths.sysfs)).toEqual(before);
    expect(readState(paths.state, boot)).toBeUndefined();
  });

  it("says so when the kernel has no KSM", async () => {
    await expect(applyKnobs({ ...paths, sysfs: join(directory, "none") }, { run: 1 })).rejects.toMatchObject({ code: "no-ksm" });
  });

  it("ignores a record of another boot", async () => {
    await applyKnobs(paths, { pages_to_scan: 2000 });
    writeFileSync(paths.state, readFileSync(paths.state, "utf8").replace(boot, "another"));
    expect(await restoreKnobs(paths)).toEqual([]);
    expect(readKnobs(paths.sysfs).pages_to_scan).toBe(2000);
  });

  it("refuses a damaged record instead of losing what it held", async () => {
    mkdirSync(join(directory, "state"));
    writeFileSync(paths.state, "{");
    await expect(applyKnobs(paths, { run: 1 })).rejects.toMatchObject({ code: "bad-state" });
    expect(readKnobs(paths.sysfs).run).toBe(0);
  });

  it("waits for nobody: a second writer is told who is first, a dead one's lock is taken over although another process has its number now", async () => {
    await withStateLock(paths.state, async () => {
      await expect(applyKnobs(paths, { run: 1 })).rejects.toMatchObject({ code: "locked", message: expect.stringContaining(`process ${process.pid} `) });
    });
    writeFileSync(`${paths.state}.lock`, String(process.ppid));
    await applyKnobs(paths, { run: 1 });
    expect(readKnobs(paths.sysfs).run).toBe(1);
  });
});

describe("another writer", () => {
  it("is seen in the knobs that we wrote, and in no others", async () => {
    await applyKnobs(paths, { run: 1, pages_to_scan: 2000 });
    const written = readState(paths.state, boot)?.written ?? {};
    expect(foreignChanges(written, readKnobs(paths.sysfs))).toEqual([]);
    writeFileSync(join(paths.sysfs, "pages_to_scan"), "64\n");
    writeFileSync(join(paths.sysfs, "sleep_millisecs"), "10\n");
    expect(foreignChanges(written, readKnobs(paths.sysfs))).toEqual([{ knob: "pages_to_scan", ours: 2000, now: 64 }]);
  });
});
