import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { denyRule, DEFAULT_DENYLIST } from "./denylist.ts";
import { enrollGuest } from "./enroll.ts";
import { foreignTuners } from "./foreign-writers.ts";
import { resolveGuest } from "./guest-name.ts";
import { guestProcesses } from "./guest-processes.ts";
import { keyOf, startGuest, testTool } from "./guest.test-support.ts";
import { inject } from "./inject.ts";
import { HOST_PATHS } from "./ksm-paths.ts";
import type { KsmPaths } from "./ksm-paths.ts";
import { isMergeable } from "./ksm-stat.ts";
import { readProcessHead } from "./process-key.ts";
import { guestByNamespace } from "./read-ledger.ts";

/** What a guest can do against the host's KSM, or against another guest's place in it. Nothing merges: ksmd does not run. */
const why = process.getuid?.() !== 0 ? "needs root to trace processes" : existsSync(HOST_PATHS.sysfs) ? "" : "this kernel has no KSM";

let directory: string;
let paths: KsmPaths;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "samepage-hostile-"));
  paths = { ...HOST_PATHS, state: join(directory, "ksm.json") };
});

afterAll(() => {
  rmSync(directory, { recursive: true });
});

/** The ways to freeze a control group that this machine has: its hierarchy, the file, and what to write. */
const freezers = [
  { name: "version 1", hierarchy: "/sys/fs/cgroup/freezer", file: "freezer.state", freeze: "FROZEN", thaw: "THAWED" },
  ...["/sys/fs/cgroup/unified", "/sys/fs/cgroup"].map((hierarchy) => ({ name: "version 2", hierarchy, file: "cgroup.freeze", freeze: "1", thaw: "0" })),
].filter(({ hierarchy, file }) => {
  // The root itself cannot be frozen: only groups below it have the file.
  if (why !== "" || !existsSync(join(hierarchy, "cgroup.procs"))) return false;
  const group = mkdtempSync(join(hierarchy, "samepage-probe-"));
  const has = existsSync(join(group, file));
  rmdirSync(group);
  return has;
});

async function removeGroup(group: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      rmdirSync(group);
      return;
    } catch (error) {
      // Busy until its last process is reaped.
      if (tries >= 100) throw error;
      await setTimeout(20);
    }
  }
}

describe.skipIf(why !== "")(`a hostile guest${why && ` (skipped: ${why})`}`, () => {
  it.each(freezers)("that is frozen (control groups, $name) holds nobody up, and goes on unharmed", async ({ hierarchy, file, freeze, thaw }) => {
    const group = mkdtempSync(join(hierarchy, "samepage-frozen-"));
    try {
      await using guest = await startGuest([testTool("static-guest")]);
      await using other = await startGuest([testTool("memory-guest"), "1", "0", "0"]);
      writeFileSync(join(group, "cgroup.procs"), String(guest.pid));
      writeFileSync(join(group, file), freeze);
      await setTimeout(100);
      const begun = performance.now();
      const results = await inject("on", [keyOf(guest.pid), keyOf(other.pid)]);
      expect(performance.now() - begun).toBeLessThan(10_000);
      expect(results).toEqual([expect.objectContaining({ pid: guest.pid, outcome: "busy" }), { pid: other.pid, outcome: "done", detail: "" }]);
      writeFileSync(join(group, file), thaw);
      await expect.poll(async () => (await inject("on", [keyOf(guest.pid)]))[0]?.outcome).toBe("done");
      writeFileSync(join(hierarchy, "cgroup.procs"), String(guest.pid));
      expect(await guest.end()).toEqual({ last: "wrong 0", code: 0, signal: null });
    } finally {
      writeFileSync(join(group, file), thaw);
      await removeGroup(group);
    }
  });

  it("whose group is frozen and thawed all the time is injected without harm to its registers", async () => {
    const [freezer] = freezers;
    if (freezer === undefined) return;
    const group = mkdtempSync(join(freezer.hierarchy, "samepage-flicker-"));
    const calm = new AbortController();
    try {
      await using guest = await startGuest([testTool("static-guest")]);
      writeFileSync(join(group, "cgroup.procs"), String(guest.pid));
      const flicker = (async () => {
        for (let at = 0; !calm.signal.aborted; at++) {
          writeFileSync(join(group, freezer.file), at % 2 === 0 ? freezer.freeze : freezer.thaw);
          await setTimeout(at % 3);
        }
        writeFileSync(join(group, freezer.file), freezer.thaw);
      })();
      const outcomes = new Set<string>();
      for (let round = 0; round < 40; round++) for (const mode of ["on", "off"] as const) outcomes.add((await inject(mode, [keyOf(guest.pid)]))[0]?.outcome ?? "");
      calm.abort();
      await flicker;
      expect([...outcomes].filter((outcome) => !["done", "busy", "traced"].includes(outcome))).toEqual([]);
      expect(outcomes).toContain("done");
      writeFileSync(join(freezer.hierarchy, "cgroup.procs"), String(guest.pid));
      expect(await guest.end()).toEqual({ last: "wrong 0", code: 0, signal: null });
    } finally {
      calm.abort();
      writeFileSync(join(group, freezer.file), freezer.thaw);
      await removeGroup(group);
    }
  });

  it("that is stopped is opted in and stays stopped", async () => {
    await using guest = await startGuest([testTool("memory-guest"), "1", "0", "0"]);
    process.kill(guest.pid, "SIGSTOP");
    await expect.poll(() => readProcessHead("/proc", guest.pid)?.state).toBe("T");
    expect((await enrollGuest(paths, { by: "pids", pids: [guest.pid] })).counts).toEqual({ verified: 1 });
    await expect.poll(() => readProcessHead("/proc", guest.pid)?.state).toBe("T");
    process.kill(guest.pid, "SIGCONT");
    expect(isMergeable("/proc", guest.pid)).toBe(true);
  });

  it("that catches system calls itself, or has no vDSO but a file that looks like one, is left alone", async () => {
    const disguise = join(directory, "[vdso]");
    writeFileSync(disguise, Buffer.from([0x0f, 0x05]));
    for (const [mode, detail] of [["dispatch", "it catches system calls itself (syscall user dispatch)"], ["bare", "no vDSO"]] as const) {
      await using guest = await startGuest([testTool("hostile-guest"), mode, disguise]);
      expect(await inject("on", [keyOf(guest.pid)])).toEqual([{ pid: guest.pid, outcome: "unsupported", detail }]);
      expect(await guest.ask("")).toBe("whole");
    }
  });

  it("that is inside a restartable sequence keeps it", async () => {
    await using guest = await startGuest([testTool("hostile-guest"), "sequence"], { env: { GLIBC_TUNABLES: "glibc.pthread.rseq=0" } });
    const outcomes: string[] = [];
    for (let round = 0; round < 10; round++) outcomes.push((await inject("on", [keyOf(guest.pid)]))[0]?.outcome ?? "");
    expect(outcomes).toContain("busy");
    expect(await guest.ask("")).toBe("whole");
  });

  it("that rewrites the code under the call cannot keep the injector, and gets its registers back", async () => {
    await using guest = await startGuest([testTool("hostile-guest"), "rewrite"]);
    const begun = performance.now();
    const outcomes = new Set<string>();
    for (let round = 0; round < 12; round++) outcomes.add((await inject("on", [keyOf(guest.pid)]))[0]?.outcome ?? "");
    expect(performance.now() - begun).toBeLessThan(30_000);
    expect([...outcomes].filter((outcome) => !["done", "busy", "failed"].includes(outcome))).toEqual([]);
    expect(await guest.ask("")).toBe("whole");
  });

  it("that traces itself stays out, and is reported", async () => {
    await using guest = await startGuest(["strace", "-o", "/dev/null", "-f", testTool("memory-guest"), "1", "0", "0"]);
    const traced = Number(execFileSync("pgrep", ["-P", String(guest.pid)], { encoding: "utf8" }).trim());
    expect((await enrollGuest(paths, { by: "pids", pids: [traced] })).counts).toEqual({ traced: 1 });
  });

  it("cannot keep the host from tuning by a name of another tuner", async () => {
    const program = join(directory, "ksmtuned");
    copyFileSync(testTool("memory-guest"), program);
    const nobody = { uid: 65_534, gid: 65_534 };
    execFileSync("chmod", ["0755", directory]);
    await using liar = await startGuest([program, "1", "0", "0"], nobody);
    expect((await foreignTuners("/proc")).map(({ pid }) => pid)).not.toContain(liar.pid);
    // A privileged container's root has the host's number, but not its pid namespace.
    await using contained = await startGuest(["unshare", "--pid", "--fork", "--kill-child", program, "1", "0", "0"]);
    const inner = Number(execFileSync("pgrep", ["-P", String(contained.pid)], { encoding: "utf8" }).trim());
    expect((await foreignTuners("/proc")).map(({ pid }) => pid)).not.toContain(inner);
    await using real = await startGuest([program, "1", "0", "0"]);
    expect(await foreignTuners("/proc")).toContainEqual({ pid: real.pid, name: "ksmtuned" });
  });

  it.skipIf(!existsSync("/dev/fuse"))("whose root is a file system that never answers holds nobody up who looks for guests by their root", async () => {
    const at = mkdtempSync(join(directory, "root-"));
    await using guest = await startGuest([testTool("hanging-root"), at]);
    const found = await guestProcesses("/proc", { by: "root", directory: at });
    expect(found.map(({ pid }) => pid)).not.toContain(guest.pid);
    expect((await guestProcesses("/proc", { by: "pids", pids: [guest.pid] })).map(({ pid }) => pid)).toEqual([guest.pid]);
  });

  it("with line breaks and brackets in its name is one process with that name", async () => {
    const name = "a) S 1 (\nx";
    const program = join(directory, name);
    copyFileSync(testTool("memory-guest"), program);
    await using guest = await startGuest([program, "1", "0", "0"]);
    expect(readProcessHead("/proc", guest.pid)).toMatchObject({ comm: name, parent: process.pid });
    expect(denyRule("/proc", { ...keyOf(guest.pid), comm: name, state: "S", parent: 1 }, DEFAULT_DENYLIST)).toBeUndefined();
    expect((await enrollGuest(paths, { by: "pids", pids: [guest.pid] })).counts).toEqual({ verified: 1 });
  });

  it("gets no other guest's name by naming its control groups, and a name that two bear is refused", async () => {
    const hierarchy = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((at) => existsSync(join(at, "cgroup.procs")));
    if (hierarchy === undefined) return;
    const group = mkdtempSync(join(hierarchy, "lxc.payload.evil-"));
    const name = basename(group).replace("lxc.payload.", "");
    const invented = join(group, "lxc.payload.bank");
    const twin = join(hierarchy, `twin-${name}`);
    mkdirSync(invented);
    mkdirSync(join(twin, basename(group)), { recursive: true });
    try {
      await using guest = await startGuest([testTool("memory-guest"), "1", "0", "0"]);
      await using second = await startGuest([testTool("memory-guest"), "1", "0", "0"]);
      writeFileSync(join(invented, "cgroup.procs"), String(guest.pid));
      expect(guestByNamespace("/proc")(guest.pid)).toBe(name);
      await expect(resolveGuest("/proc", "bank")).rejects.toMatchObject({ code: "no-guest" });
      expect(await resolveGuest("/proc", name)).toEqual({ by: "cgroup", path: `/${basename(group)}` });
      writeFileSync(join(twin, basename(group), "cgroup.procs"), String(second.pid));
      await expect(resolveGuest("/proc", `lxc/${name}`)).rejects.toMatchObject({ code: "no-guest", message: expect.stringContaining("more than one") });
    } finally {
      for (const at of [invented, group, join(twin, basename(group)), twin]) await removeGroup(at);
    }
  });

  it("whose control group goes away while it is enrolled leaves a clean answer", async () => {
    const hierarchy = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((at) => existsSync(join(at, "cgroup.procs")));
    if (hierarchy === undefined) return;
    const group = mkdtempSync(join(hierarchy, "samepage-gone-"));
    const selector = { by: "cgroup", path: group.slice(hierarchy.length) } as const;
    {
      await using guest = await startGuest([testTool("memory-guest"), "1", "0", "0"]);
      writeFileSync(join(group, "cgroup.procs"), String(guest.pid));
      const enrolling = enrollGuest(paths, selector);
      process.kill(guest.pid, "SIGKILL");
      const { processes } = await enrolling;
      expect(processes.filter(({ outcome }) => !["verified", "unverified", "gone", "zombie"].includes(outcome))).toEqual([]);
    }
    await removeGroup(group);
    expect(await enrollGuest(paths, selector)).toMatchObject({ stable: true, counts: {} });
    expect(await guestProcesses("/proc", selector)).toEqual([]);
  });

  it("that executes other programs without end is opted in all the same", async () => {
    const script = join(directory, "exec.sh");
    writeFileSync(script, `#!/bin/sh\nif [ "$1" = first ]; then echo ready; fi\nexec ${script} again\n`, { mode: 0o755 });
    await using guest = await startGuest([script, "first"]);
    const report = await enrollGuest(paths, { by: "pids", pids: [guest.pid] });
    expect(report.counts).toEqual({ verified: 1 });
    await setTimeout(50);
    // From Linux 6.7 the opt-in outlives an exec.
    expect(isMergeable("/proc", guest.pid)).toBe(true);
    expect(readFileSync(`/proc/${guest.pid}/status`, "utf8")).toMatch(/^TracerPid:\t0$/mu);
  });
});
