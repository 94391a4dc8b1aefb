import { chmod, link, lutimes, mkdir, rm, stat, symlink, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, temporaryDirectory } from "@samepage/test-support";
import { expect, test } from "vitest";
import { compareManifests, manifest } from "./index.ts";
import { plantOddities } from "./plant-oddities.ts";

const needsRoot = process.getuid?.() !== 0;

/** Each of these a guest could notice, so each must show. */
const changes: Record<string, (app: string) => Promise<unknown>> = {
  "one byte of content": (app) => run("dd", ["conv=notrunc", "bs=1", "seek=5", "status=none", `of=${app}/data/readable`], { input: "\u0001" }),
  size: (app) => truncate(`${app}/data/readable`, 10),
  mode: (app) => chmod(`${app}/data/readable`, 0o600),
  owner: (app) => run("chown", ["7", `${app}/data/readable`]),
  group: (app) => run("chgrp", ["7", `${app}/data/readable`]),
  "a symlink's owner": (app) => run("chown", ["-h", "7", `${app}/bin/current`]),
  "nanoseconds of the mtime": (app) => run("touch", ["-d", "@1700000000.7", `${app}/data/readable`]),
  "an extended attribute": (app) => run("setfattr", ["-n", "user.bytes", "-v", "0x00ff0b", `${app}/data/with-xattrs`]),
  "a trusted attribute": (app) => run("setfattr", ["-x", "trusted.note", `${app}/data/with-xattrs`]),
  "an ACL": (app) => run("setfacl", ["-m", "u:1001:r", `${app}/data/with-acl`]),
  "file capabilities": (app) => run("setcap", ["cap_net_raw+ep", `${app}/data/with-capabilities`]),
  "a link of its own cut": async (app) => {
    await run("cp", ["--archive", `${app}/bin/tool`, `${app}/bin/copy`]);
    await run("mv", [`${app}/bin/copy`, `${app}/bin/tool-1.2`]);
  },
  "a symlink's target": async (app) => {
    await rm(`${app}/bin/current`);
    await symlink("other", `${app}/bin/current`);
    await lutimes(`${app}/bin/current`, 1_700_000_000, 1_700_000_000);
  },
  "a name gone": (app) => rm(Buffer.from(`${app}/names/caf\xe9`, "latin1")),
  "a name more": (app) => writeFile(`${app}/names/new`, ""),
  "a FIFO become a file": async (app) => {
    await rm(`${app}/special/fifo`);
    await writeFile(`${app}/special/fifo`, "");
  },
  "a device's number": async (app) => {
    await rm(`${app}/special/null`);
    await run("mknod", [`${app}/special/null`, "c", "1", "5"]);
  },
};

test.for(Object.keys(changes))("a manifest shows: %s", async (name, { skip }) => {
  skip(needsRoot, "needs root for device nodes and trusted attributes");
  await using scratch = await temporaryDirectory();
  await plantOddities(scratch.path);
  const before = await manifest(scratch.path);
  expect(compareManifests(before, await manifest(scratch.path))).toEqual([]);
  await changes[name]?.(join(scratch.path, "opt/app"));
  expect(compareManifests(before, await manifest(scratch.path))).not.toEqual([]);
});

test("while files are unified, links may be added but none cut", async () => {
  await using scratch = await temporaryDirectory();
  for (const name of ["a", "c"]) await writeFile(join(scratch.path, name), "same");
  await link(join(scratch.path, "a"), join(scratch.path, "b"));
  const before = await manifest(scratch.path);
  const relink = async (from: string, to: string) => {
    const { mtimeNs } = await stat(join(scratch.path, to), { bigint: true });
    await rm(join(scratch.path, to));
    await link(join(scratch.path, from), join(scratch.path, to));
    await run("touch", ["-d", `@${mtimeNs / 1_000_000_000n}.${String(mtimeNs % 1_000_000_000n).padStart(9, "0")}`, join(scratch.path, to)]);
    const entries = [...(await manifest(scratch.path))].map(([path, entry]) => [path, { ...entry, mtimeNs: before.get(path)?.mtimeNs ?? 0n }] as const);
    return new Map(entries);
  };
  const joined = await relink("a", "c");
  expect(compareManifests(before, joined)).not.toEqual([]);
  expect(compareManifests(before, joined, "kept")).toEqual([]);
  await writeFile(join(scratch.path, "d"), "same");
  expect(compareManifests(before, await relink("d", "b"), "kept")).toContain("b: linked with a → b");
});

test("which guest shares a file is not in it, a guest's own hard links are", async () => {
  await using scratch = await temporaryDirectory();
  const root = join(scratch.path, "guest");
  await mkdir(root);
  await writeFile(join(root, "a"), "same");
  const alone = await manifest(root);
  await link(join(root, "a"), join(scratch.path, "elsewhere"));
  expect(compareManifests(alone, await manifest(root))).toEqual([]);
});
