import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync, constants } from "node:fs";
import { mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { loopFsSkipReason, openLoopFs, run } from "@samepage/test-support";
import { expect, test } from "vitest";
import { startAgentProcess } from "./agent-process.ts";
import { makeSmallGuest, mappedBytes } from "./small-guest.ts";
import { isOver, startFleet } from "./test-fleet.ts";

const skip = loopFsSkipReason("ext4") ?? missingProgram(["lxc-start", "lxc-stop", "lxc-info", "systemd-nspawn"]);

function missingProgram(names: readonly string[]): string | undefined {
  const path = (process.env["PATH"] ?? "").split(delimiter);
  const missing = names.find((name) => !path.some((directory) => isExecutable(join(directory, name))));
  return missing === undefined ? undefined : `needs ${missing}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** An LXC container of its own directory, so that this machine's containers are left alone. */
class Container implements AsyncDisposable {
  readonly #base: string;
  readonly #name: string;
  private constructor(base: string, name: string) {
    this.#base = base;
    this.#name = name;
  }
  static async start(base: string, name: string): Promise<Container> {
    await run("lxc-start", ["-P", base, "-n", name, "-d", "-f", join(base, name, "start")]);
    return new Container(base, name);
  }
  async pid(): Promise<number> {
    return Number((await run("lxc-info", ["-P", this.#base, "-n", this.#name, "-p", "-H"])).trim());
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await run("lxc-stop", ["-P", this.#base, "-n", this.#name, "-k"]);
  }
}

async function nspawn(root: string, command: string): Promise<string> {
  const child = spawn("systemd-nspawn", ["-q", "-D", root, "--register=no", "--keep-unit", "--pipe", "/bin/sh", "-c", command], { stdio: ["ignore", "pipe", "ignore"] });
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  await once(child, "close");
  return output;
}

test.skipIf(skip !== undefined)(`real containers run from unified trees, and two that map one library hold it once${skip === undefined ? "" : ` (${skip})`}`, async () => {
  await using disk = await openLoopFs("ext4", 256);
  const base = join(disk.mount, "var/lib/lxc");
  const machines = join(disk.mount, "var/lib/machines");
  const config = (name: string) => `lxc.rootfs.path = dir:/var/lib/lxc/${name}/rootfs\n`;
  for (const name of ["a", "b"]) {
    await makeSmallGuest(join(base, name, "rootfs"), name);
    await writeFile(join(base, name, "config"), config(name));
  }
  for (const name of ["c", "d"]) await makeSmallGuest(join(machines, name), name);
  // The agent sees this machine's processes below the tree that stands for the host.
  await symlink("/proc", join(disk.mount, "proc"));
  await mkdir(join(disk.mount, "run/systemd/machines"), { recursive: true });

  await using fleet = await startFleet();
  await using agent = await startAgentProcess(fleet, "h1", disk.mount);
  expect(agent.pid).toBeGreaterThan(0);
  const guests = async () => (await fleet.api.guests.list({ host: "h1" })).map(({ name, state }) => [name, state]);
  await expect.poll(guests).toEqual([
    ["lxc/a", "stopped"],
    ["lxc/b", "stopped"],
    ["nspawn/c", "stopped"],
    ["nspawn/d", "stopped"],
  ]);

  const plan = await fleet.api.rollouts.create({ operation: { kind: "plan" } });
  expect(await fleet.until(plan.id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "unify" } });
  const ended = await fleet.until(id, isOver);
  const report = await fleet.api.rollouts.report(id);
  expect(ended).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
  const libc = "usr/lib/x86_64-linux-gnu/libc.so.6";
  const roots = [join(base, "a/rootfs"), join(base, "b/rootfs"), join(machines, "c"), join(machines, "d")];
  const inodesOf = async (file: string) => Promise.all(roots.map(async (root) => (await stat(join(root, file))).ino));
  expect(new Set(await inodesOf(libc)).size).toBe(1);
  expect(report.totals.predictedBytes).toBe(report.totals.reclaimedBytes);

  // What a real start needs: this test's own paths instead of the host's.
  for (const name of ["a", "b"]) {
    const lines = [`lxc.rootfs.path = dir:${join(base, name, "rootfs")}`, `lxc.uts.name = ${name}`, "lxc.net.0.type = none", "lxc.apparmor.profile = unconfined", "lxc.mount.auto = proc:mixed", "lxc.init.cmd = /bin/sleep 600"];
    await writeFile(join(base, name, "start"), `${lines.join("\n")}\n`);
  }
  {
    await using first = await Container.start(base, "a");
    const alone = await mappedBytes(await first.pid(), "libc.so.6");
    expect(alone.pss).toBe(alone.rss);
    await using second = await Container.start(base, "b");
    const shared = await mappedBytes(await first.pid(), "libc.so.6");
    const other = await mappedBytes(await second.pid(), "libc.so.6");
    console.log(`libc.so.6 in two containers: ${alone.rss / 1024} KiB resident, share ${alone.pss / 1024} KiB alone, ${shared.pss / 1024} and ${other.pss / 1024} KiB together`);
    // Only the pages that a process has written (relocations) are its own.
    expect(shared.pss / alone.pss).toBeLessThan(0.6);
    expect(other.pss / alone.pss).toBeLessThan(0.6);
  }

  expect(await nspawn(join(machines, "c"), "cat /etc/hostname; echo runs")).toBe("c\nruns\n");
  expect(await nspawn(join(machines, "d"), "cat /etc/hostname; echo runs")).toBe("d\nruns\n");

  const back = await fleet.api.rollouts.create({ operation: { kind: "deunify" } });
  expect(await fleet.until(back.id, isOver)).toMatchObject({ state: "completed", hosts: { succeeded: 1 } });
  expect(new Set(await inodesOf(libc)).size).toBe(4);
});
