import { execFileSync, spawn } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { enrollGuest, withdrawGuest } from "./enroll.ts";
import { guestProcesses } from "./guest-processes.ts";
import { keyOf, startGuest, testTool } from "./guest.test-support.ts";
import { helperPath } from "./helpers.ts";
import { inject } from "./inject.ts";
import { HOST_PATHS } from "./ksm-paths.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { isMergeable, readKsmStat } from "./ksm-stat.ts";
import { readProcessHead } from "./process-key.ts";
import { bootId, readState } from "./state-file.ts";

/** Opting in merges nothing while ksmd does not run: these tests leave the host's KSM as it is. */
const why = process.getuid?.() !== 0 ? "needs root to trace processes" : existsSync(HOST_PATHS.sysfs) ? "" : "this kernel has no KSM";

let directory: string;
let paths: KsmPaths;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "samepage-enroll-"));
  paths = { ...HOST_PATHS, state: join(directory, "ksm.json") };
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

describe.skipIf(why !== "")(`enrolling running guests${why && ` (skipped: ${why})`}`, () => {
  it("opts a guest in and out again by its pid namespace, verified in ksm_stat, and remembers it for off", async () => {
    await using guest = await startGuest(["unshare", "--pid", "--fork", "--kill-child", testTool("many-guest"), "5"]);
    const init = Number(execFileSync("pgrep", ["-P", String(guest.pid)], { encoding: "utf8" }).trim());
    const selector = { by: "pid-namespace", pid: init } as const;
    const report = await enrollGuest(paths, selector);
    expect(report).toMatchObject({ stable: true, counts: { verified: 6 } });
    expect(report.processes.every(({ pid }) => readKsmStat("/proc", pid)?.mergeAny === true)).toBe(true);
    expect(readState(paths.state, bootId("/proc"))?.enrolled).toHaveLength(6);
    expect((await enrollGuest(paths, selector)).counts).toEqual({ already: 6 });
    expect((await withdrawGuest(paths, selector)).counts).toEqual({ verified: 6 });
    expect(report.processes.some(({ pid }) => isMergeable("/proc", pid) === true)).toBe(false);
  });

  it("finds a guest by its root directory, and by its control group", async () => {
    const root = join(directory, "root");
    mkdirSync(root);
    copyFileSync(testTool("memory-guest"), join(root, "guest"));
    await using chrooted = await startGuest(["chroot", root, "/guest", "1", "0", "0"]);
    expect((await guestProcesses("/proc", { by: "root", directory: root })).map(({ pid }) => pid)).toEqual([chrooted.pid]);

    const hierarchy = ["/sys/fs/cgroup", "/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified"].find((at) => existsSync(join(at, "cgroup.procs")));
    if (hierarchy === undefined) return;
    const group = mkdtempSync(join(hierarchy, "samepage-enroll-"));
    try {
      writeFileSync(join(group, "cgroup.procs"), String(chrooted.pid));
      const path = group.slice(hierarchy.length);
      expect((await guestProcesses("/proc", { by: "cgroup", path })).map(({ pid }) => pid)).toEqual([chrooted.pid]);
      writeFileSync(join(hierarchy, "cgroup.procs"), String(chrooted.pid));
    } finally {
      rmdirSync(group);
    }
  });

  it("never takes the host for a guest", async () => {
    expect(await guestProcesses("/proc", { by: "pid-namespace", pid: process.pid })).toEqual([]);
    expect(await guestProcesses("/proc", { by: "root", directory: "/" })).toEqual([]);
    expect(await guestProcesses("/proc", { by: "cgroup", path: "/" })).toEqual([]);
  });

  it("leaves a static, threaded program's registers and system calls as they were, 120 injections long", async () => {
    await using guest = await startGuest([testTool("static-guest")]);
    for (let round = 0; round < 60; round++) {
      expect(await inject("on", [keyOf(guest.pid)])).toEqual([{ pid: guest.pid, outcome: "done", detail: "" }]);
      expect(await inject("off", [keyOf(guest.pid)])).toEqual([{ pid: guest.pid, outcome: "done", detail: "" }]);
    }
    expect(await guest.end()).toEqual({ last: "wrong 0", code: 0, signal: null });
  });

  it("obeys a filter that would kill the program, and leaves it alive", async () => {
    await using guest = await startGuest([testTool("filtered-guest")]);
    const report = await enrollGuest(paths, { by: "pids", pids: [guest.pid] });
    expect(report).toMatchObject({ stable: true, counts: { "refused-seccomp": 1 } });
    expect(await guest.ask("")).toBe("done");
  });

  it("opts a setuid program in by exec and by enrolment; the preload shim misses it, and that shows", async () => {
    const program = join(directory, "setuid-guest");
    copyFileSync(testTool("memory-guest-dynamic"), program);
    chmodSync(program, 0o4755);
    chmodSync(directory, 0o755);
    const nobody = { uid: 65_534, gid: 65_534 };
    // The helper must be reachable for nobody, wherever the checkout lies.
    const helper = join(directory, "ksm-exec");
    copyFileSync(helperPath("ksm-exec"), helper);
    await using byExec = await startGuest([helper, program, "1", "0", "0"], nobody);
    expect(isMergeable("/proc", byExec.pid)).toBe(true);
    await using byPreload = await startGuest([program, "1", "0", "0"], { ...nobody, env: { LD_PRELOAD: helperPath("libksm-preload.so") } });
    expect(isMergeable("/proc", byPreload.pid)).toBe(false);
    expect((await enrollGuest(paths, { by: "pids", pids: [byPreload.pid] })).counts).toEqual({ verified: 1 });
  });

  it("reports a zombie, a kernel thread and a number that is nobody's", async () => {
    const parent = spawn("sh", ["-c", "true & exec sleep 100"]);
    try {
      let zombie = 0;
      while (zombie === 0) {
        await setTimeout(10);
        zombie = readdirSync("/proc").map(Number).find((pid) => pid > 0 && readProcessHead("/proc", pid)?.parent === parent.pid && readProcessHead("/proc", pid)?.state === "Z") ?? 0;
      }
      expect(await inject("on", [keyOf(zombie), { pid: 2, started: 0 }, { pid: 4_194_303, started: 1 }])).toEqual([
        { pid: zombie, outcome: "zombie", detail: "" },
        { pid: 2, outcome: "kernel-thread", detail: "" },
        { pid: 4_194_303, outcome: "gone", detail: "" },
      ]);
    } finally {
      parent.kill("SIGKILL");
    }
  });

  it("does not touch a later process with the same number", async () => {
    await using guest = await startGuest([testTool("memory-guest"), "1", "0", "0"]);
    expect(await inject("on", [{ pid: guest.pid, started: keyOf(guest.pid).started + 1 }])).toEqual([{ pid: guest.pid, outcome: "gone", detail: "" }]);
    expect(isMergeable("/proc", guest.pid)).toBe(false);
  });

  it("survives processes that die while they are injected: every one is reported", async () => {
    const children = Array.from({ length: 60 }, () => spawn("sleep", ["100"]));
    await setTimeout(50);
    const keys = children.flatMap(({ pid }) => (pid === undefined ? [] : [keyOf(pid)]));
    const injection = inject("on", keys);
    for (const child of children) {
      child.kill("SIGKILL");
      await setTimeout(0);
    }
    const results = await injection;
    expect(results.map(({ pid }) => pid)).toEqual(keys.map(({ pid }) => pid));
    expect(results.filter(({ outcome }) => !["done", "gone", "zombie"].includes(outcome))).toEqual([]);
  });

  it("chases a guest that keeps forking until a scan finds nothing new", async () => {
    await using guest = await startGuest(["unshare", "--pid", "--fork", "--kill-child", testTool("forking-guest"), "4"]);
    const init = Number(execFileSync("pgrep", ["-P", String(guest.pid)], { encoding: "utf8" }).trim());
    const selector = { by: "pid-namespace", pid: init } as const;
    const report = await enrollGuest(paths, selector, { maxRounds: 200 });
    expect(report.stable).toBe(true);
    // A look catches only some of them alive: many looks, each at other processes.
    let seen = 0;
    for (let look = 0; look < 30; look++) {
      const now = await guestProcesses("/proc", selector);
      seen += now.length;
      expect(now.filter(({ pid }) => isMergeable("/proc", pid) === false)).toEqual([]);
    }
    expect(seen).toBeGreaterThan(30);
  });

  it("keeps denied programs out, and says why", async () => {
    const program = join(directory, "redis-server");
    copyFileSync(testTool("memory-guest"), program);
    await using guest = await startGuest([program, "1", "0", "0"]);
    const report = await enrollGuest(paths, { by: "pids", pids: [guest.pid] });
    expect(report.processes[0]).toMatchObject({ outcome: "denylisted", comm: "redis-server" });
    expect(report.processes[0]?.detail).toContain("database");
    expect(isMergeable("/proc", guest.pid)).toBe(false);
  });

  it("enrols 5,000 processes", async () => {
    await using guest = await startGuest(["unshare", "--pid", "--fork", "--kill-child", testTool("many-guest"), "5000"]);
    const init = Number(execFileSync("pgrep", ["-P", String(guest.pid)], { encoding: "utf8" }).trim());
    const report = await enrollGuest(paths, { by: "pid-namespace", pid: init });
    expect(report).toMatchObject({ stable: true, counts: { verified: 5001 } });
  });
});

describe.skipIf(why !== "")("keeping a guest out", () => {
  it("refuses every way in behind ksm-deny, to all descendants, and takes an earlier opt-in back", async () => {
    await using guest = await startGuest([helperPath("ksm-exec"), helperPath("ksm-deny"), testTool("memory-guest"), "1", "0", "0"]);
    expect(isMergeable("/proc", guest.pid)).toBe(false);
    expect((await enrollGuest(paths, { by: "pids", pids: [guest.pid] })).counts).toEqual({ "refused-seccomp": 1 });
    expect(() => execFileSync(helperPath("ksm-deny"), ["sh", "-c", `${helperPath("ksm-exec")} true`], { stdio: "pipe" })).toThrow(/seccomp filter keeps this process out/u);
    await using preloaded = await startGuest([helperPath("ksm-deny"), testTool("memory-guest-dynamic"), "1", "0", "0"], { env: { LD_PRELOAD: helperPath("libksm-preload-madvise.so") } });
    expect(isMergeable("/proc", preloaded.pid)).toBe(false);
  });
});
