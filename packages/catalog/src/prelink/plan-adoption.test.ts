import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { compareTrees } from "../drift/compare-trees.ts";
import type { TreeEntry } from "../template/tree-entry.ts";
import { planAdoption } from "./plan-adoption.ts";

const digest = (text: string) => createHash("sha256").update(text).digest();
const plain = (path: string, content = path): TreeEntry => ({ path: Buffer.from(path), type: "file", mode: 0o755, uid: 0, gid: 0, size: 9, digest: digest(content), attributes: [], conffile: false, prelinked: false });
const variant = (path: string, by: string): TreeEntry => ({ ...plain(path, `${path} at ${by}`), prelinked: true, original: digest(path) });
const link = (path: string, target: string): TreeEntry => ({ path: Buffer.from(path), type: "symlink", target: Buffer.from(target), mode: 0o777, uid: 0, gid: 0, size: 0, attributes: [], conffile: false, prelinked: false });
const sorted = (entries: TreeEntry[]) => entries.sort((a, b) => Buffer.compare(a.path, b.path));

/** Plans for a guest whose objects need the libraries listed beside them. */
function plan(template: TreeEntry[], guest: TreeEntry[], needs: Record<string, string[]>) {
  const drifts = [...compareTrees(sorted(template), sorted(guest))];
  const drifted = new Set(drifts.map(({ template: a, guest: b }) => (a ?? b)?.path.toString("latin1")));
  const variants = drifts.filter(({ kind }) => kind === "prelinked").map((drift) => ({ drift, needed: needs[drift.guest?.path.toString() ?? ""] ?? [] }));
  const { adopt, leave } = planAdoption(variants, guest, (path) => !drifted.has(path));
  return { adopt: adopt.map(({ path }) => path.toString()), leave: Object.fromEntries(leave.map(({ entry, reason }) => [entry.path.toString(), reason])) };
}

const names = ["bin/app", "lib/liba.so.1.2", "lib/libb.so.1"];
const template = [...names.map((name) => variant(name, "template")), plain("lib/libc.so.6"), link("lib/liba.so.1", "liba.so.1.2")];
const needs = { "bin/app": ["liba.so.1", "libc.so.6"], "lib/liba.so.1.2": ["libb.so.1"], "lib/libb.so.1": ["libc.so.6"] };

test("variants are adopted with all they need, libraries first", () => {
  const guest = [...names.map((name) => variant(name, "guest")), plain("lib/libc.so.6"), link("lib/liba.so.1", "liba.so.1.2")];
  expect(plan(template, guest, needs)).toEqual({ adopt: ["lib/libb.so.1", "lib/liba.so.1.2", "bin/app"], leave: {} });
});

test("a run that was cut off goes on: what was adopted counts as the template's", () => {
  const guest = [variant("bin/app", "guest"), variant("lib/liba.so.1.2", "template"), variant("lib/libb.so.1", "template"), plain("lib/libc.so.6"), link("lib/liba.so.1", "liba.so.1.2")];
  expect(plan(template, guest, needs)).toEqual({ adopt: ["bin/app"], leave: {} });
});

test("what needs a library that is another one stays as it is, and so does what needs that", () => {
  const guest = [...names.slice(0, 2).map((name) => variant(name, "guest")), plain("lib/libb.so.1", "upgraded"), plain("lib/libc.so.6"), link("lib/liba.so.1", "liba.so.1.2")];
  const { adopt, leave } = plan(template, guest, needs);
  expect(adopt).toEqual([]);
  expect(leave).toEqual({
    "lib/liba.so.1.2": "lib/libb.so.1, which it needs, differs from the template's otherwise",
    "bin/app": "lib/liba.so.1.2, which it needs, differs from the template's otherwise",
  });
});

test("what needs a library that is nowhere stays as it is", () => {
  const guest = [...names.map((name) => variant(name, "guest")), link("lib/liba.so.1", "/lib/gone.so")];
  expect(plan(template, guest, needs)).toMatchObject({ adopt: [], leave: { "lib/libb.so.1": "libc.so.6, which it needs, is not in the guest" } });
});

test("libraries that need each other are adopted together or not at all", () => {
  const pair = ["lib/libx.so.1", "lib/liby.so.1"];
  const circle = { "lib/libx.so.1": ["liby.so.1"], "lib/liby.so.1": ["libx.so.1"] };
  const both = pair.map((name) => variant(name, "template"));
  expect(plan(both, pair.map((name) => variant(name, "guest")), circle).adopt.toSorted()).toEqual(pair);
  expect(plan(both, [variant(pair[0] ?? "", "guest"), plain(pair[1] ?? "", "other")], circle).adopt).toEqual([]);
});
