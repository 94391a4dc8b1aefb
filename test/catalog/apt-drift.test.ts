import { closeSync, constants, openSync } from "node:fs";
import { cp, mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { buildManifest, compareTrees, indexVersions, readManifest, summariseDrift, type TreeEntry } from "@samepage/catalog";
import { loopFsSkipReason, withLoopFs } from "@samepage/test-support";
import { readConffiles, unify } from "@samepage/unify";
import { expect, test } from "vitest";
import { aptSkipReason, demo, type DemoPackage, install, makeGuest, makeRepository } from "./apt-guest.ts";

const reason = loopFsSkipReason("ext4") ?? (await aptSkipReason());

const kept = Array.from({ length: 20 }, (_, at) => [`usr/share/${demo}/kept-${at}`, `kept ${at} `.repeat(600)] as const);
const changing = (version: string) => Array.from({ length: 20 }, (_, at) => [`usr/share/${demo}/changed-${at}`, `version ${version}, file ${at} `.repeat(600)] as const);
const packageOf = (version: string, extra: Record<string, string>): DemoPackage => ({
  version,
  files: { ...Object.fromEntries([...kept, ...changing(version)]), "usr/bin/demo": `program ${version}`.repeat(500), "etc/demo.conf": `setting ${version}\n`, ...extra },
});
const versions = [packageOf("1", { "usr/share/gone-in-2": "old ".repeat(100) }), packageOf("2", { "usr/share/new-in-2": "new ".repeat(100) })];

async function describeGuest(path: string): Promise<TreeEntry[]> {
  const root = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const frames: Buffer[] = [];
    await buildManifest({ root, conffiles: await readConffiles(path, new AbortController().signal, () => {}), onFrame: async (frame) => void frames.push(frame) });
    return [...readManifest(Buffer.concat(frames))];
  } finally {
    closeSync(root);
  }
}

/** Differences but those of apt's and dpkg's own records, as `kind path`. */
async function driftOf(template: readonly TreeEntry[], guest: string, others: readonly (readonly [string, readonly TreeEntry[]])[] = []) {
  const summary = summariseDrift(compareTrees(template, await describeGuest(guest)), indexVersions(template, others));
  const own = summary.items.filter(({ path }) => !/^(?:var|etc\/apt)\//u.test(path.toString()));
  return { names: own.map(({ kind, path }) => `${kind} ${path.toString()}`).sort(), behind: summary.behind };
}

const names = Object.keys(versions[0]?.files ?? {}).filter((path) => path.startsWith("usr/"));

test.skipIf(reason !== undefined)(`a guest upgraded with apt and downgraded again drifts by exactly the package's files, and re-merge restores the full saving${reason === undefined ? "" : ` (skipped: ${reason})`}`, async () => {
  await withLoopFs("ext4", 64, async ({ mount }) => {
    const at = (name: string) => join(mount, name);
    await mkdir(at("repository"));
    await makeRepository(at("repository"), versions);
    await makeGuest(at("template"));
    await install(at("template"), at("repository"), "1");
    for (const guest of ["a", "b", "next"]) await cp(at("template"), at(guest), { recursive: true, preserveTimestamps: true });
    await install(at("next"), at("repository"), "2");
    const [template, next] = [await describeGuest(at("template")), await describeGuest(at("next"))];
    const merge = async () => unify({ guests: ["a", "b"].map((name) => ({ name, path: at(name), domain: "default", state: "stopped" as const })), strategy: "hardlink", guard: "none", minSize: 1, stateDir: at("state") });
    const shared = async () => {
      const same = await Promise.all(names.map(async (name) => (await stat(at(`a/${name}`))).ino === (await stat(at(`b/${name}`))).ino));
      return same.filter(Boolean).length;
    };
    await merge();
    expect(await shared()).toBe(names.length);
    expect((await driftOf(template, at("a"))).names).toEqual([]);

    await install(at("a"), at("repository"), "2");
    const upgraded = await driftOf(template, at("a"), [["2", next]]);
    const modified = ["usr/bin/demo", ...changing("1").map(([path]) => path)].map((path) => `modified ${path}`);
    expect(upgraded.names).toEqual([...modified, "conffile etc/demo.conf", "missing usr/share/gone-in-2", "extra usr/share/new-in-2"].sort());
    expect(upgraded.behind).toEqual([{ package: demo, version: "2", files: modified.length }]);
    // The other guest has noticed nothing of it.
    expect((await driftOf(template, at("b"))).names).toEqual([]);
    expect((await driftOf(next, at("a"))).names).toEqual([]);

    await install(at("a"), at("repository"), "1");
    expect((await driftOf(template, at("a"))).names).toEqual([]);
    expect(await shared()).toBeLessThan(names.length);
    const report = await merge();
    expect(report.files.unified).toBeGreaterThanOrEqual(modified.length);
    expect(await shared()).toBe(names.length);
    expect((await merge()).files.unified).toBe(0);
  });
});
