import { cp, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { credentials, type ServiceError } from "@grpc/grpc-js";
import { type Agent, type AgentConfig, defaultConfig } from "@samepage/agent";
import { CatalogServiceClient } from "@samepage/proto";
import { run } from "@samepage/test-support";
import { Redis } from "ioredis";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { readStoredIdentity } from "./raw-agent.ts";
import { isOver, startFleet, type TestFleet } from "./test-fleet.ts";

const inDomain = (domain: string): AgentConfig => ({
  ...defaultConfig,
  guests: { ...defaultConfig.guests, directories: ["/guests/*"], domains: [{ match: "*", domain }] },
});

let fleet: TestFleet;
let h1: Agent;
beforeAll(async () => {
  fleet = await startFleet();
  const template = join(fleet.dir, "h1-root/templates/base");
  for (const [path, content] of files) await write(join(template, path), content);
  for (const host of ["h1", "h2"]) await cp(template, join(fleet.dir, `${host}-root/guests/a`), { recursive: true });
  await cp(template, join(fleet.dir, "h1-root/guests/b"), { recursive: true });
  h1 = await fleet.addAgent("h1", { config: inDomain("blue") });
  await fleet.addAgent("h2", { config: inDomain("red") });
});
afterAll(async () => fleet[Symbol.asyncDispose]());

const files: [string, string][] = [
  ["usr/bin/app", "program, version 1"],
  ["usr/lib/libapp.so", "library"],
  ["etc/app.conf", "setting 1"],
  ["var/lib/dpkg/status", "Package: app\nStatus: install ok installed\nConffiles:\n /etc/app.conf 0123456789abcdef0123456789abcdef\n"],
  ["var/lib/dpkg/info/app.list", "/.\n/usr/bin/app\n/usr/lib/libapp.so\n/etc/app.conf\n"],
  ["var/lib/dpkg/info/app.conffiles", "/etc/app.conf\n"],
];

async function write(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
}

async function publish(version: string): Promise<string> {
  const { id } = await fleet.api.templates.publish({ name: "base", version, host: "h1", path: "/templates/base", domain: "blue" });
  const { state } = await fleet.until(id, isOver);
  return state;
}

async function client(host: string): Promise<CatalogServiceClient> {
  const { controller, authorities, key, certificate } = await readStoredIdentity(join(fleet.dir, host));
  return new CatalogServiceClient(controller, credentials.createSsl(Buffer.from(authorities), Buffer.from(key), Buffer.from(certificate)), {
    "grpc.ssl_target_name_override": "controller.samepage.internal",
    "grpc.default_authority": "controller.samepage.internal",
  });
}

/** A unary call's answer, or why it was refused. */
async function ask<Response>(start: (callback: (error: ServiceError | null, response: Response) => void) => unknown): Promise<Response> {
  const { promise, resolve, reject } = Promise.withResolvers<Response>();
  start((error, response) => (error === null ? resolve(response) : reject(error)));
  return promise;
}

test("a template goes from a host's tree to every agent's catalog, and drift comes back", async () => {
  expect(await publish("1")).toBe("completed");
  const [view] = await fleet.api.templates.list();
  expect(view).toMatchObject({ name: "base", domain: "blue", aliases: { latest: "1" }, versions: [{ version: "1", source: { host: "h1", path: "/templates/base" }, retired: false }] });
  expect(await fleet.api.catalog.domains()).toMatchObject([{ domain: "blue", epoch: 1, digests: files.length, segments: 1, templates: 1 }]);

  await write(join(fleet.dir, "h1-root/guests/b/usr/bin/app"), "program, version 0");
  await write(join(fleet.dir, "h1-root/guests/b/etc/app.conf"), "setting of b");
  await rm(join(fleet.dir, "h1-root/guests/b/usr/lib/libapp.so"));
  await write(join(fleet.dir, "h1-root/guests/b/srv/data"), "data");
  const { id } = await fleet.api.drift.compare({ name: "base", selector: "name=h1" });
  expect(await fleet.until(id, isOver)).toMatchObject({ hosts: { succeeded: 1 } });
  const report = await fleet.api.rollouts.report(id);
  const clean = { modified: 0, missing: 0, extra: 0, permissions: 0, prelinked: 0, conffile: 0 };
  expect(report.hosts[0]?.result).toMatchObject({
    template: "base",
    version: "1",
    guests: [
      { name: "dir/guests/a", ...clean },
      {
        name: "dir/guests/b", ...clean, modified: 1, missing: 1, conffile: 1, extra: 2,
        items: [
          { kind: "conffile", path: "etc/app.conf", package: "app" },
          { kind: "extra", path: "srv", package: "" },
          { kind: "extra", path: "srv/data", package: "" },
          { kind: "modified", path: "usr/bin/app", package: "app" },
          { kind: "missing", path: "usr/lib/libapp.so", package: "app" },
        ],
      },
    ],
  }); // prettier-ignore
});

test("an agent fetches the signed catalog of its own domain, and a run limited to templates shares only what it knows", async () => {
  await publish("1");
  for (const guest of ["a", "b"]) await write(join(fleet.dir, `h1-root/guests/${guest}/usr/share/own`), "in both guests, in no template");
  await write(join(fleet.dir, "h1-root/guests/b/usr/lib/libapp.so"), "library");
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "plan", settings: { scope: "template", ignoreMtime: true, minSize: 1, strategy: "hardlink", guard: "none" } }, selector: "name=h1" });
  expect(await fleet.until(id, isOver)).toMatchObject({ hosts: { succeeded: 1 } });
  const result = (await fleet.api.rollouts.report(id)).hosts[0]?.result;
  // dpkg's own files are left alone; the program and the library are the template's, the file in usr/share is not.
  expect(result).toMatchObject({ files: { unified: expect.any(Number), skipped: { "not-in-template": expect.any(Number) } } });
  const [domain] = await fleet.api.catalog.domains();
  expect(await fleet.api.catalog.agents()).toEqual([expect.objectContaining({ host: "h1", domain: "blue", epoch: domain?.epoch, digests: domain?.digests, behind: false, findings: [] })]);
});

test("a domain without a catalog fails a run that is limited to templates, and says so", async () => {
  const { id } = await fleet.api.rollouts.create({ operation: { kind: "plan", settings: { scope: "template" } }, selector: "name=h2" });
  expect(await fleet.until(id, isOver)).toMatchObject({ hosts: { failed: 1 } });
  expect((await fleet.api.rollouts.report(id)).hosts[0]?.error).toMatchObject({ code: "catalog-missing" });
});

test("another domain's catalog, templates and orders are out of reach", async () => {
  await publish("1");
  using h2 = disposable(await client("h2"));
  await expect(ask((done) => h2.calls.getCatalog({ domain: "blue" }, done))).rejects.toThrow(/h2 has no guest of domain blue/);
  await expect(ask((done) => h2.calls.readTemplate({ template: "base", version: "1", part: 0 }, done))).rejects.toThrow(/h2 has no guest of domain blue/);
  const { id } = await fleet.api.drift.compare({ name: "base", selector: "name=h2" });
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed", hosts: { failed: 1 } });
  expect((await fleet.api.rollouts.report(id)).hosts[0]?.error).toMatchObject({ code: "catalog-refused" });
  await expect(ask((done) => h2.calls.putFrame({ jobId: `${id}.0`, index: 0, frame: Buffer.from("x") }, done))).rejects.toThrow(/no operator has ordered/);
});

test("a version never changes, and one that is retired leaves the catalog but stays to compare with", async () => {
  await publish("1");
  await write(join(fleet.dir, "h1-root/templates/base/usr/bin/app"), "program, version 2");
  expect(await publish("2")).toBe("completed");
  const before = await fleet.api.catalog.domains();
  const again = await fleet.api.templates.publish({ name: "base", version: "1", host: "h1", path: "/templates/base", domain: "blue" });
  expect(await fleet.until(again.id, isOver)).toMatchObject({ hosts: { failed: 1 } });
  expect((await fleet.api.rollouts.report(again.id)).hosts[0]?.error?.message).toContain("was published with other content");

  const retired = await fleet.api.templates.retire("base", "1");
  expect(retired.versions.map(({ version, retired: gone }) => [version, gone])).toEqual([["1", true], ["2", false]]); // prettier-ignore
  const [after] = await fleet.api.catalog.domains();
  expect(after?.digests).toBe((before[0]?.digests ?? 0) - 1);
  expect(after?.epoch).toBe((before[0]?.epoch ?? 0) + 1);
  const { id } = await fleet.api.drift.compare({ name: "base", version: "1", selector: "name=h1", guests: ["dir/guests/a"] });
  expect(await fleet.until(id, isOver)).toMatchObject({ hosts: { succeeded: 1 } });
});

/** What a command answers with `--json`; what makes a rollout answers with its id. */
async function samepage(...words: string[]) {
  const token = join(fleet.dir, "token");
  const ca = join(fleet.dir, "ca.pem");
  await writeFile(token, fleet.controller.adminToken);
  await writeFile(ca, fleet.controller.ca);
  const main = new URL("../../packages/cli/bin/samepage.mjs", import.meta.url).pathname;
  const answer: { readonly id: string } = JSON.parse(await run(process.execPath, [main, ...words, "--json", "--controller", fleet.controller.address.api, "--token-file", token, "--ca", ca]));
  return answer;
}

test("a tree that holds or lies in a guest of another domain is not published", async () => {
  for (const path of ["/guests/a", "/guests/a/usr", "/guests"]) {
    const { id } = await fleet.api.templates.publish({ name: "other", version: "1", host: "h2", path, domain: "blue" });
    expect(await fleet.until(id, isOver)).toMatchObject({ hosts: { failed: 1 } });
    expect((await fleet.api.rollouts.report(id)).hosts[0]?.error).toMatchObject({ code: "other-domain", hint: expect.stringMatching(/--domain red/u) });
  }
  expect((await fleet.api.templates.list()).map(({ name }) => name)).not.toContain("other");
});

test("an operator does all of it from the command line", async () => {
  expect(await samepage("template", "add", "cli@1", "--host", "h1", "--path", "/templates/base", "--domain", "blue")).toMatchObject({ published: true, error: null });
  expect(await samepage("template", "show", "cli")).toMatchObject({ name: "cli", aliases: { latest: "1" } });
  expect(await samepage("catalog", "status")).toMatchObject({ domains: [{ domain: "blue" }] });
  expect(await samepage("drift", "dir/guests/a", "--template", "cli", "--selector", "name=h1")).toMatchObject({ template: "cli", hosts: [{ host: "h1", guests: [{ name: "dir/guests/a" }] }] });
});

test("the newest drift of every guest is summed up, and what many guests have that no template covers is a candidate of its domain", async () => {
  await publish("1");
  const { id } = await fleet.api.drift.compare({ name: "base", selector: "name=h1" });
  await fleet.until(id, isOver);
  expect(await fleet.api.drift.summary()).toContainEqual(expect.objectContaining({ template: "base", domain: "blue", guests: 2 }));
  expect((await fleet.api.drift.guests("base")).map(({ host, guest }) => `${host}/${guest}`)).toEqual(["h1/dir/guests/a", "h1/dir/guests/b"]);
  for (const [host, guest] of [["h1", "a"], ["h1", "b"], ["h2", "a"]] as const) await write(join(fleet.dir, `${host}-root/guests/${guest}/opt/jre`), "j".repeat(100_000));
  const looked = await fleet.api.catalog.lookForCandidates({});
  expect(await fleet.until(looked.id, isOver)).toMatchObject({ state: "completed", hosts: { failed: 0 } });
  expect(await fleet.api.catalog.candidates({ minimumGuests: 2 })).toEqual({ hosts: 2, candidates: [{ domain: "blue", guests: ["h1/dir/guests/a", "h1/dir/guests/b"], files: 1, bytes: 100_000, saving: 100_000, examples: ["opt/jre"] }] });
});

test("aliases, assignments, candidates, drift without a template and runs limited to templates work from the command line as well", async () => {
  const names = ["a", "b"].map((guest) => `dir/guests/${guest}`);
  for (const version of ["1", "2"]) {
    await write(join(fleet.dir, "h1-root/templates/base/usr/bin/app"), `program of ${version}`);
    expect(await samepage("template", "add", `forms@${version}`, "--host", "h1", "--path", "/templates/base", "--domain", "blue")).toMatchObject({ published: true });
  }
  expect(await samepage("template", "alias", "forms@1", "stable")).toMatchObject({ name: "forms", aliases: { stable: "1", latest: "2" } });
  expect(await samepage("drift", "dir/guests/a", "--template", "forms@stable", "--selector", "name=h1")).toMatchObject({ template: "forms", hosts: [{ host: "h1", guests: [{ name: "dir/guests/a" }] }] });
  expect(await samepage("template", "assign", "forms", "dir/guests/a", "dir/guests/b")).toMatchObject({ name: "forms", guests: names });
  // Nothing is ever shared across domains: there is nothing that such a template could say of these guests.
  await write(join(fleet.dir, "h1-root/templates/green/etc/motd"), "of the green domain");
  expect(await samepage("template", "add", "green@1", "--host", "h1", "--path", "/templates/green", "--domain", "green")).toMatchObject({ published: true });
  await expect(fleet.api.templates.assign("green", ["dir/guests/*"])).rejects.toMatchObject({ code: "invalid", message: expect.stringMatching(/^dir\/guests\/\* matches only guests of domain blue, red, and green is a template of domain green$/u) });
  expect(await samepage("drift", "--selector", "name=h1")).toMatchObject({ templates: [{ template: "forms", hosts: [{ host: "h1", error: null, guests: names.map((name) => ({ name })) }] }] });

  for (const guest of ["a", "b"]) await write(join(fleet.dir, `h1-root/guests/${guest}/opt/common`), "c".repeat(70_000));
  expect(await samepage("catalog", "candidates", "--selector", "name=h1", "--min-guests", "2")).toMatchObject({ candidates: expect.arrayContaining([expect.objectContaining({ domain: "blue", examples: expect.arrayContaining(["opt/common"]) })]) });

  const { id } = await samepage("rollout", "create", "plan", "--selector", "name=h1", "--scope", "template", "--strategy", "hardlink", "--guard", "none");
  expect(await fleet.until(id, isOver)).toMatchObject({ operation: { kind: "plan", settings: { scope: "template" } }, hosts: { succeeded: 1 } });
  expect((await fleet.api.rollouts.report(id)).hosts[0]?.result).toMatchObject({ files: { skipped: { "not-in-template": expect.any(Number) } } });

  expect(await samepage("template", "retire", "forms@1")).toMatchObject({ versions: [{ version: "1", retired: true }, { version: "2", retired: false }] });
});

test("a segment that is damaged in the controller's store is refused by the agent, the operator is told, and the good one before stays in force", async () => {
  await publish("1");
  const limited = async () => {
    const { id } = await fleet.api.rollouts.create({ operation: { kind: "plan", settings: { scope: "template" } }, selector: "name=h1" });
    return fleet.until(id, isOver);
  };
  await limited();
  const [before] = await fleet.api.catalog.agents();
  // While the agent is away it cannot fetch what is published before that is damaged.
  await h1.close();
  await write(join(fleet.dir, "h2-root/templates/more/usr/bin/more"), "a program more");
  const { id } = await fleet.api.templates.publish({ name: "more", version: "1", host: "h2", path: "/templates/more", domain: "blue" });
  expect(await fleet.until(id, isOver)).toMatchObject({ state: "completed" });
  const redis = new Redis(fleet.redis.url.replace(/^unix:/u, ""));
  onTestFinished(() => redis.disconnect());
  const { segments }: { segments: { name: string }[] } = JSON.parse((await redis.hget("samepage:{catalog}:domain:blue", "manifest")) ?? "");
  const key = `samepage:{catalog}:segment:${segments.at(-1)?.name ?? ""}`;
  const good = (await redis.lindexBuffer(key, 0)) ?? Buffer.alloc(0);
  await redis.lset(key, 0, Buffer.from(good.map((byte, at) => (at === good.length - 1 ? byte ^ 1 : byte))));
  h1 = await fleet.startAgent("h1", { config: inDomain("blue") });
  await h1.connected();

  // The run goes on with the catalog that is in force.
  expect(await limited()).toMatchObject({ hosts: { succeeded: 1 } });
  const refused = { host: "h1", domain: "blue", epoch: before?.epoch, digests: before?.digests, behind: true, findings: expect.arrayContaining([expect.objectContaining({ code: "segment-corrupt" })]) };
  expect(await fleet.api.catalog.agents()).toMatchObject([refused]);
  expect(await samepage("catalog", "status", "--host", "h1")).toMatchObject({ agents: [refused] });

  await redis.lset(key, 0, good);
  expect(await limited()).toMatchObject({ hosts: { succeeded: 1 } });
  expect(await fleet.api.catalog.agents()).toMatchObject([{ host: "h1", epoch: (before?.epoch ?? 0) + 1, behind: false }]);
});

test.each([
  [async () => fleet.api.templates.publish({ name: "../x", version: "1", host: "h1", path: "/t" }), "invalid"],
  [async () => fleet.api.drift.compare({ name: "nobody" }), "not-found"],
  [async () => fleet.api.templates.setAlias("base", "latest", "1"), "invalid"],
])("what cannot be is refused before any host hears of it", async (attempt, code) => {
  await publish("1");
  await expect(attempt()).rejects.toMatchObject({ code });
});

function disposable(calls: CatalogServiceClient): Disposable & { calls: CatalogServiceClient } {
  return { calls, [Symbol.dispose]: () => calls.close() };
}
