import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { memoryHeadroom } from "./cgroup-memory.ts";

const MIB = 1024 * 1024;

/**
 * Whether a kernel's memory limits are of version 1 or 2 is decided at its boot, so one of them is read here from files
 * as that kernel writes them; the machine's own is held by the tests that un-merge.
 */
describe("the room that control groups of version 2 leave a process", () => {
  let directory: string;
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "samepage-cgroup-"));
  });
  afterEach(() => {
    rmSync(directory, { recursive: true });
  });

  function write(path: string, content: string): void {
    mkdirSync(dirname(join(directory, path)), { recursive: true });
    writeFileSync(join(directory, path), content);
  }

  function group(path: string, max: string, current: number, inactiveFile: number): void {
    write(`${path}/memory.max`, `${max}\n`);
    write(`${path}/memory.current`, `${current}\n`);
    write(`${path}/memory.stat`, `anon ${current}\nfile 5\ninactive_anon 7\ninactive_file ${inactiveFile}\n`);
  }

  function headroom(): number {
    write("proc/self/mountinfo", `25 30 0:22 / ${directory}/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n31 25 0:30 / /tmp rw - tmpfs tmpfs rw\n`);
    write("proc/77/cgroup", "0::/machine.slice/lxc.payload.web\n");
    return memoryHeadroom(join(directory, "proc"), 77);
  }

  it("is its limit without what it uses, clean file pages not counting", () => {
    group("cgroup/machine.slice/lxc.payload.web", String(100 * MIB), 90 * MIB, 30 * MIB);
    expect(headroom()).toBe(40 * MIB);
  });

  it("is that of the tightest level, and endless without a limit", () => {
    group("cgroup/machine.slice/lxc.payload.web", "max", 90 * MIB, 0);
    expect(headroom()).toBe(Infinity);
    group("cgroup/machine.slice", String(120 * MIB), 110 * MIB, 0);
    expect(headroom()).toBe(10 * MIB);
  });

  it("is read from the levels that are left when its own group was removed", () => {
    group("cgroup/machine.slice", String(64 * MIB), 60 * MIB, 0);
    expect(headroom()).toBe(4 * MIB);
  });
});
