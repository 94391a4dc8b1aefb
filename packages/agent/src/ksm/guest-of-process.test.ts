import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { DiscoveredGuest } from "../discovery/discover-guests.ts";
import { guestOfProcess } from "./guest-of-process.ts";

// Any hierarchy will do: one that this process may make a group in.
const hierarchy = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup/unified", "/sys/fs/cgroup"].find((at) => existsSync(join(at, "cgroup.procs")));
const whyNot = process.getuid?.() !== 0 ? "needs root" : hierarchy === undefined ? "no control groups here" : "";

describe.skipIf(whyNot !== "")(`the guest of a process${whyNot && ` (skipped: ${whyNot})`}`, () => {
  let directory: string;
  let group: string;
  let child: ChildProcess;

  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), "samepage-guest-of-"));
    group = mkdtempSync(join(hierarchy ?? "", "lxc.payload.samepage-"));
    child = spawn("sleep", ["1000"]);
    await once(child, "spawn");
  });

  afterEach(async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    await sleep(100); // a group is busy until its last process is reaped
    if (existsSync(join(group, "lxc.payload.other"))) rmdirSync(join(group, "lxc.payload.other"));
    rmdirSync(group);
    rmSync(directory, { recursive: true });
  });

  const guest = (name: string, provider: string, path: string): DiscoveredGuest => ({ name, provider, path, domain: "default", state: "running" });

  test("is told by its container, though its root is an overlay that no directory shows", () => {
    const name = basename(group).replace("lxc.payload.", "");
    writeFileSync(join(group, "cgroup.procs"), String(child.pid));
    const guestOf = guestOfProcess("/proc", [guest(`lxc/${name}`, "lxc", directory), guest("lxc/other", "lxc", join(directory, "none"))]);
    expect(guestOf(child.pid ?? 0)).toBe(`lxc/${name}`);
    // Inside its own group a guest may name groups as it likes: that makes it nobody else.
    const invented = join(group, "lxc.payload.other");
    mkdirSync(invented);
    writeFileSync(join(invented, "cgroup.procs"), String(child.pid));
    expect(guestOf(child.pid ?? 0)).toBe(`lxc/${name}`);
  });

  test("is told by its root directory where no container manager is at work", () => {
    // This process' own root stands for a guest's: its inode is what is compared.
    expect(statSync("/").ino).toBe(statSync(`/proc/${child.pid}/root`).ino);
    expect(guestOfProcess("/proc", [guest("dir/x", "dir", "/")])(child.pid ?? 0)).toBe("dir/x");
    expect(guestOfProcess("/proc", [guest("dir/x", "dir", directory)])(child.pid ?? 0)).toBe("host");
  });
});
