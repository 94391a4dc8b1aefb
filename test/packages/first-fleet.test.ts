import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { buildCorpus, buildSystem, compareManifests, manifest } from "@samepage/test-corpus";
import { accessibilityBreaches, browserSkipReason, screenshot, withBrowser } from "@samepage/test-dashboard";
import { loopFsSkipReason, openLoopFs, run, temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";
import { type BootedMachine, bootMachine } from "./booted-machine.ts";
import { documentedBlocks } from "./documented-blocks.ts";
import { openNetwork } from "./open-network.ts";

const root = join(import.meta.dirname, "../..");
const nspawnMissing = existsSync("/usr/bin/systemd-nspawn") ? undefined : "systemd-nspawn is not installed";
const builderMissing = existsSync("/usr/bin/mmdebstrap") ? undefined : "mmdebstrap is not installed";
const skipReason = loopFsSkipReason("ext4") ?? nspawnMissing ?? builderMissing ?? browserSkipReason;

/** Two guests of about 180 MiB each on every host, and room for the pool. */
const diskMiB = 768;
const hosts = ["web-1", "web-2"] as const;
const guests = ["mail", "web"] as const;

/** Bytes that the file system has free. */
async function freeBytes(mount: string): Promise<number> {
  await run("sync", ["--file-system", mount]);
  return Number(await run("stat", ["--file-system", "--format=%a", mount])) * Number(await run("stat", ["--file-system", "--format=%S", mount]));
}

test.skipIf(skipReason !== undefined)(
  `a new operator's path, as docs/first-fleet.md has it: packages, two hosts, template, plan, rollout in a window, true savings, and back${skipReason === undefined ? "" : ` (skipped: ${skipReason})`}`,
  { timeout: 600_000 },
  async () => {
    await using directory = await temporaryDirectory("samepage-first-fleet-");
    const packages = join(directory.path, "packages");
    await run(process.execPath, [join(root, "deploy/debian/build-packages.mjs"), packages]);
    const system = join(directory.path, "system");
    await buildSystem("system", system);
    for (const file of await readdir(packages)) await cp(join(packages, file), join(system, "root", basename(file)));
    await using network = await openNetwork();
    await using disks = new AsyncDisposableStack();
    await using machines = new AsyncDisposableStack();
    const names = ["controller", ...hosts];
    const boot = async (name: string, binds: readonly string[], masked: readonly string[]): Promise<BootedMachine> =>
      machines.use(await bootMachine({ name, base: system, directory: join(directory.path, name), network: network.path, binds, names, masked }));
    const fleet = new Map<string, BootedMachine>([["controller", await boot("controller", [], [])]]);
    const trees = new Map<string, string>();
    for (const host of hosts) {
      const disk = disks.use(await openLoopFs("ext4", diskMiB));
      const built = await buildCorpus({ directory: join(disk.mount, "build"), guests: guests.length, set: "minbase", seed: 3 });
      await mkdir(join(disk.mount, "machines"));
      for (const [index, { path }] of built.entries()) await run("mv", [path, join(disk.mount, "machines", guests[index] ?? "")]);
      trees.set(host, disk.mount);
      fleet.set(host, await boot(host, [`${disk.mount}/machines:/var/lib/machines`], ["redis-server.service"]));
    }
    const machineOf = (name: string): BootedMachine => {
      const machine = fleet.get(name);
      if (machine === undefined) throw new Error(`the page names a machine ${name}`);
      return machine;
    };
    const treesOf = async (host: string) => Promise.all(guests.map(async (guest) => manifest(join(trees.get(host) ?? "", "machines", guest))));
    const before = new Map(await Promise.all(hosts.map(async (host) => [host, await treesOf(host)] as const)));
    const freeBefore = await Promise.all(hosts.map(async (host) => freeBytes(trees.get(host) ?? "")));

    const page = await readFile(join(root, "docs/first-fleet.md"), "utf8");
    const said = new Map<string, string>();
    /** Runs the page's next blocks, up to and with the one that holds `last`; what they printed stays in `said`. */
    const blocks = documentedBlocks(page);
    const follow = async (last: string): Promise<void> => {
      for (let block = blocks.shift(); block !== undefined; block = blocks.shift()) {
        for (const name of block.machines) said.set(`${name}: ${block.commands}`, await machineOf(name).sh(block.commands));
        if (block.commands.includes(last)) return;
      }
      throw new Error(`the page has no block with ${last}`);
    };
    const heard = (part: string): string => [...said].findLast(([key]) => key.includes(part))?.[1] ?? "";

    await follow("token create");
    const installs = heard("token create").split("\n").filter((line) => line.startsWith("s=$(curl"));
    expect(installs).toHaveLength(hosts.length);
    for (const [index, host] of hosts.entries()) {
      expect(await machineOf(host).sh("command -v samepage || echo none")).toBe("none\n");
      expect(await machineOf(host).sh(installs[index] ?? "false")).toContain("samepage-agent.service is enabled and running");
    }
    await follow("agent status");
    expect(heard("web-2: samepage agent status")).toMatch(/host web-2, controller controller:7443[\s\S]*nspawn\/mail[\s\S]*nspawn\/web/u);
    await expect.poll(async () => machineOf("controller").sh("samepage host ls"), { timeout: 60_000 }).toMatch(/web-1 +online +2[\s\S]*web-2 +online +2/u);
    await follow("samepage host ls");
    expect(heard("samepage guest ls")).toMatch(/nspawn\/mail/u);

    const token = (await machineOf("controller").sh("cat /var/lib/samepage-controller/admin-token")).trim();
    const browser = join(directory.path, "browser");
    await writeFile(browser, `#!/bin/sh\nexec nsenter --net=${network.path} /usr/bin/chromium "$@"\n`);
    await chmod(browser, 0o755);
    await withBrowser({ width: 1280, height: 800, colorScheme: "light", executablePath: browser }, async (view) => {
      await view.goto("https://127.0.0.1:7480");
      await view.getByLabel("Operator token").fill(token);
      await view.keyboard.press("Enter");
      await view.getByRole("link", { name: "Hosts", exact: true }).click();
      for (const host of hosts) await view.getByRole("row", { name: new RegExp(`${host}.*online`, "u") }).waitFor();

      await follow("samepage drift");
      await view.getByRole("link", { name: "Templates", exact: true }).click();
      await view.getByText("@12", { exact: true }).waitFor();
      await screenshot(view, "first-fleet-template");

      await follow("rollout create plan");
      await follow("window next");
      expect(heard("window next")).toMatch(/daily .* UTC/u);
      await view.getByRole("link", { name: "Windows", exact: true }).click();
      await view.locator(".opening.now", { hasText: "2 hosts" }).first().waitFor();

      await follow("rollout create unify");
      const report = heard("rollout create unify");
      expect(report).toMatch(/web-1 +succeeded/u);
      expect(report).toMatch(/web-2 +succeeded/u);
      await view.getByRole("link", { name: "Rollouts", exact: true }).click();
      await view.getByRole("link", { name: "unify", exact: true }).click();
      await view.getByText("2 of 2 hosts").waitFor();
      expect(await accessibilityBreaches(view)).toEqual([]);
      await screenshot(view, "first-fleet-rollout");

      // What the file systems really have free now, against what was reported and predicted.
      const freed = await Promise.all(hosts.map(async (host, index) => (await freeBytes(trees.get(host) ?? "")) - (freeBefore[index] ?? 0)));
      const { totals }: { totals: { reclaimedBytes: number; predictedBytes: number } } = JSON.parse(await machineOf("controller").sh("samepage report --json"));
      const real = freed.reduce((sum, bytes) => sum + bytes, 0);
      expect(real).toBeGreaterThan(200 * 1024 * 1024);
      expect(Math.abs(totals.reclaimedBytes - real) / real).toBeLessThan(0.02);
      expect(Math.abs(totals.predictedBytes - real) / real).toBeLessThan(0.02);
      await view.getByRole("link", { name: "Overview", exact: true }).click();
      await view.getByText(`${Math.round(totals.reclaimedBytes / 1e6)} MB`).first().waitFor();
      await screenshot(view, "first-fleet-overview");
    });
    await follow("local status");
    expect(heard("local status")).toMatch(/page cache now: .* saved/u);
    for (const host of hosts) for (const [index, tree] of (await treesOf(host)).entries()) expect(compareManifests(before.get(host)?.[index] ?? new Map(), tree, "any")).toEqual([]);
    await follow("rollout create deunify");
    expect(blocks).toEqual([]);
    for (const host of hosts) for (const [index, tree] of (await treesOf(host)).entries()) expect(compareManifests(before.get(host)?.[index] ?? new Map(), tree, "same")).toEqual([]);
    expect(await machineOf("web-1").sh("journalctl --unit samepage-agent --priority err --quiet --no-pager")).toBe("");
  },
);
