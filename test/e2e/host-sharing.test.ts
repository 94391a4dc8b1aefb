import { cp, mkdir, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type AgentConfig, defaultConfig } from "@samepage/agent";
import { loopFsSkipReason, run, withLoopFs } from "@samepage/test-support";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isOver, startFleet, type TestFleet } from "./test-fleet.ts";

const reason = loopFsSkipReason("ext4");
const files = Array.from({ length: 20 }, (_, at) => [`usr/lib/file-${at}`, `content ${at} `.repeat(500)] as const);

const withHost = (host: AgentConfig["guests"]["host"]): AgentConfig => ({
  ...defaultConfig,
  guests: {
    ...defaultConfig.guests,
    directories: ["/srv/guests/*"],
    exclude: ["dir/srv/guests/never"],
    domains: [{ match: "*/blue*", domain: "blue" }, { match: "*", domain: "red" }],
    ...(host === undefined ? {} : { host }),
  },
}); // prettier-ignore

let fleet: TestFleet;
beforeAll(async () => {
  if (reason === undefined) fleet = await startFleet();
});
afterAll(async () => {
  if (reason === undefined) await fleet[Symbol.asyncDispose]();
});

async function plant(root: string): Promise<void> {
  for (const [path, content] of files) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), content);
    // A whole second: copying keeps no finer times.
    await utimes(join(root, path), 1_700_000_000, 1_700_000_000);
  }
}

async function inodesOf(root: string): Promise<Set<number>> {
  return new Set(await Promise.all(files.map(async ([path]) => (await stat(join(root, path))).ino)));
}

async function order(kind: "plan" | "unify" | "deunify", settings: { readonly guard?: "none" } = {}, guests: readonly string[] = []) {
  // Rules that would take in everything: what is left out of the host is not left to an exclude list.
  const operation = kind === "deunify" ? { kind, guests } : { kind, guests, settings: { strategy: "hardlink" as const, excludes: ["/nothing"], ...settings } };
  const { id } = await fleet.api.rollouts.create({ operation, selector: "name=h1" });
  await fleet.until(id, isOver);
  return (await fleet.api.rollouts.report(id)).hosts[0];
}

test.skipIf(reason !== undefined)(`the host's own root shares with guests of its domain only where it is switched on, and goes back again${reason === undefined ? "" : ` (skipped: ${reason})`}`, async () => {
  await withLoopFs("ext4", 64, async ({ mount }) => {
    const at = (name: string) => join(mount, name);
    const [blue, red, never, elsewhere] = [at("srv/guests/blue"), at("srv/guests/red"), at("srv/guests/never"), at("data/red-2")];
    await plant(mount);
    for (const guest of [blue, red, never, elsewhere]) await cp(at("usr"), join(guest, "usr"), { recursive: true, preserveTimestamps: true });
    for (const place of ["tmp", "boot", "var/lib/samepage", "var/lib/docker/x"]) await cp(at("usr"), join(at(place), "usr"), { recursive: true, preserveTimestamps: true });
    // A guest whose root is mounted from elsewhere in the host's tree.
    await mkdir(at("srv/guests/red-2"));
    await run("mount", ["--bind", elsewhere, at("srv/guests/red-2")]);
    try {
      await using off = await fleet.addAgent("h1", { root: mount, config: withHost(undefined) }).then(closing);
      expect((await order("unify", { guard: "none" }))?.result).toMatchObject({ files: { unified: 0 } });
      expect((await inodesOf(mount)).isDisjointFrom(await inodesOf(blue))).toBe(true);
      await off[Symbol.asyncDispose]();

      await using on = await fleet.startAgent("h1", { root: mount, config: withHost({ domain: "blue" }) }).then(closing);
      // Without the copy-on-write guard nobody gets the host's programs made immutable by not having said so.
      expect((await order("plan"))?.error).toMatchObject({ code: "guard-not-available", message: expect.stringContaining("the host's own files") });
      const shared = await order("unify", { guard: "none" });
      const own = { files: files.length, unified: expect.any(Number) };
      expect(shared?.result).toMatchObject({
        files: { scanned: 4 * files.length },
        guests: [{ name: "dir/srv/guests/blue", ...own }, { name: "dir/srv/guests/red", ...own }, { name: "dir/srv/guests/red-2", ...own }, { name: "host", ...own }],
      }); // prettier-ignore
      const host = await inodesOf(mount);
      expect(host).toEqual(await inodesOf(blue));
      for (const other of [red, never, elsewhere, at("tmp"), at("boot"), at("var/lib/samepage"), at("var/lib/docker/x")]) {
        expect(host.isDisjointFrom(await inodesOf(other)), other).toBe(true);
        expect((await stat(join(other, "usr/lib/file-0"))).nlink, other).toBe(1);
      }
      // Each file is the host's, the guest's and the pool's: no name was counted twice.
      expect((await stat(at("usr/lib/file-0"))).nlink).toBe(3);

      expect((await order("deunify", {}, ["host"]))?.result).toMatchObject({ filesScanned: files.length, filesDeunified: files.length });
      expect((await inodesOf(mount)).isDisjointFrom(await inodesOf(blue))).toBe(true);
      await on[Symbol.asyncDispose]();

      // The same on one host, without an agent, which would know of guests in places of their own.
      await rm(join(elsewhere, "usr"), { recursive: true });
      expect(await local("unify", "--domain", "blue", "--guard", "none", "--host-first", mount, blue)).toMatchObject({ files: { unified: files.length }, guests: [{ name: mount, unified: files.length }, { name: blue }] });
      expect(await inodesOf(mount)).toEqual(await inodesOf(blue));
      expect(await local("deunify", "--host-first", mount)).toMatchObject({ files: { deunified: files.length } });
      expect((await inodesOf(mount)).isDisjointFrom(await inodesOf(blue))).toBe(true);
    } finally {
      await run("umount", [at("srv/guests/red-2")]);
    }
  });
});

async function local(...words: string[]): Promise<unknown> {
  const main = new URL("../../packages/cli/bin/samepage.mjs", import.meta.url).pathname;
  return JSON.parse(await run(process.execPath, [main, "local", ...words, "--state-dir", join(fleet.dir, "local"), "--json"]));
}

function closing(agent: { close(): Promise<void>; connected(): Promise<void> }): AsyncDisposable {
  return { [Symbol.asyncDispose]: async () => agent.close() };
}
