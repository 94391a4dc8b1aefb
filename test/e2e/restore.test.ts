import { cp, mkdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type AgentConfig, defaultConfig } from "@samepage/agent";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isOver, startFleet, type TestFleet } from "./test-fleet.ts";

const inDomain = (domain: string): AgentConfig => ({ ...defaultConfig, restore: "on", guests: { ...defaultConfig.guests, directories: ["/guests/*"], domains: [{ match: "*", domain }] } });

/** 1.5 MiB that differ everywhere: three parts on the wire. */
const large = Buffer.from(Array.from({ length: 1_500_000 }, (_, at) => (at * 7 + (at >> 8)) & 0xff));

let fleet: TestFleet;
beforeAll(async () => {
  fleet = await startFleet();
  await fleet.addController();
  const template = join(fleet.dir, "h1-root/templates/base");
  await write(join(template, "usr/bin/app"), large);
  await write(join(template, "usr/lib/libapp.so"), "library");
  await utimes(join(template, "usr/bin/app"), 1_600_000_000, 1_600_000_000);
  for (const [host, guest] of [["h1", "a"], ["h2", "a"], ["h2", "b"], ["h3", "a"]] as const) await cp(template, join(fleet.dir, `${host}-root/guests/${guest}`), { recursive: true, preserveTimestamps: true });
  for (const host of ["h1", "h2"]) await fleet.addAgent(host, { config: inDomain("blue") });
  await fleet.addAgent("h3", { config: inDomain("red") });
  const { id } = await fleet.api.templates.publish({ name: "base", version: "1", host: "h1", path: "/templates/base", domain: "blue" });
  await fleet.until(id, isOver);
});
afterAll(async () => fleet[Symbol.asyncDispose]());

async function write(path: string, content: string | Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

const file = (host: string, guest: string, path = "usr/bin/app") => join(fleet.dir, `${host}-root/guests/${guest}`, path);

async function restore(host: string, guest: string, ...paths: string[]) {
  const { id } = await fleet.api.drift.restore({ name: "base", selector: `name=${host}`, guests: [`dir/guests/${guest}`], paths });
  const rollout = await fleet.until(id, isOver);
  return { rollout, report: (await fleet.api.rollouts.report(id)).hosts[0] };
}

test("a changed file comes back from a copy on the same host, a changed mode from the file itself, and again is nothing to do", async () => {
  await writeFile(file("h2", "a"), "changed");
  await rm(file("h2", "a", "usr/lib/libapp.so"));
  const { report } = await restore("h2", "a", "/usr/bin/app", "usr/lib/libapp.so", "usr/none");
  expect(report?.result).toMatchObject({
    restored: 2, same: 0, bytesFetched: 0, version: "1",
    files: [{ path: "usr/bin/app", source: "dir/guests/b" }, { path: "usr/lib/libapp.so", source: "dir/guests/b" }],
    failures: [{ path: "usr/none", code: "template-unknown" }],
  }); // prettier-ignore
  expect((await readFile(file("h2", "a"))).equals(large)).toBe(true);
  expect((await stat(file("h2", "a"))).mtimeMs).toBe(1_600_000_000_000);
  expect((await restore("h2", "a", "usr/bin/app")).report?.result).toMatchObject({ restored: 0, same: 1 });
});

test("a file that no guest of the host has any more is streamed from the host that published it, and verified", async () => {
  for (const guest of ["a", "b"]) await writeFile(file("h2", guest), Buffer.alloc(large.length, guest));
  const { report } = await restore("h2", "b", "usr/bin/app");
  expect(report?.result).toMatchObject({ restored: 1, bytesFetched: large.length, files: [{ source: "fleet" }], failures: [] });
  expect((await readFile(file("h2", "b"))).equals(large)).toBe(true);
  expect((await stat(file("h2", "b"))).mtimeMs).toBe(1_600_000_000_000);
});

test("another guest's copy that has changed unnoticed is not believed", async () => {
  const forged = Buffer.from(large);
  forged.writeUInt8(forged.readUInt8(999_999) ^ 1, 999_999);
  await writeFile(file("h2", "a"), forged);
  await writeFile(file("h2", "b"), "");
  const { report } = await restore("h2", "b", "usr/bin/app");
  expect(report?.result).toMatchObject({ restored: 1, files: [{ source: "fleet" }] });
  expect((await readFile(file("h2", "b"))).equals(large)).toBe(true);
});

test("a host of another domain gets nothing, not even an answer whether there is such a file", async () => {
  await writeFile(file("h3", "a"), "changed");
  const { rollout, report } = await restore("h3", "a", "usr/bin/app");
  expect(rollout).toMatchObject({ hosts: { failed: 1 } });
  expect(report?.error).toMatchObject({ code: "catalog-refused", message: expect.stringContaining("has no guest of domain blue") });
  expect(await readFile(file("h3", "a"), "utf8")).toBe("changed");
});

test("a host that has not said so lets nobody write into its guests", async () => {
  await cp(join(fleet.dir, "h2-root/guests/b"), join(fleet.dir, "h4-root/guests/a"), { recursive: true });
  await fleet.addAgent("h4", { config: { ...inDomain("blue"), restore: "off" } });
  await writeFile(file("h4", "a"), "its own");
  const { rollout, report } = await restore("h4", "a", "usr/bin/app");
  expect(rollout).toMatchObject({ hosts: { failed: 1 } });
  expect(report?.error).toMatchObject({ code: "restore-off" });
  expect(await readFile(file("h4", "a"), "utf8")).toBe("its own");
});

test("nothing is restored everywhere by accident, and never both ways at once", async () => {
  await expect(fleet.api.drift.restore({ name: "base", guests: [], paths: ["usr/bin/app"] })).rejects.toMatchObject({ code: "invalid" });
  await expect(fleet.api.drift.restore({ name: "base", guests: ["*"] })).rejects.toMatchObject({ code: "invalid" });
  await expect(fleet.api.drift.restore({ name: "base", guests: ["*"], paths: ["a"], adoptPrelink: true })).rejects.toMatchObject({ code: "invalid" });
});
