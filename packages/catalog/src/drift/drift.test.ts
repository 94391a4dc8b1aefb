import { createHash } from "node:crypto";
import { assert, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { tree } from "../testing/arbitrary-tree.ts";
import type { TreeEntry } from "../template/tree-entry.ts";
import { compareTrees } from "./compare-trees.ts";
import { findCandidates } from "./find-candidates.ts";
import { indexVersions } from "./index-versions.ts";
import { summariseDrift } from "./summarise-drift.ts";
import { summariseFleet } from "./summarise-fleet.ts";

const digest = (text: string) => createHash("sha256").update(text).digest();
function file(path: string, content: string, more: Partial<TreeEntry> = {}): TreeEntry {
  return { path: Buffer.from(path), type: "file", mode: 0o644, uid: 0, gid: 0, size: content.length, digest: digest(content), attributes: [], conffile: false, prelinked: false, ...more };
}
const kinds = (template: TreeEntry[], guest: TreeEntry[]) => [...compareTrees(template, guest)].map(({ kind }) => kind);

describe("one name", () => {
  const capability = { attributes: [{ name: "security.capability", value: Buffer.from([1]) }] };
  test.each<[string, string[], TreeEntry[], TreeEntry[]]>([
    ["the same", [], [file("a", "1")], [file("a", "1")]],
    ["other content", ["modified"], [file("a", "1")], [file("a", "2")]],
    ["a directory where a file was", ["modified"], [file("a", "")], [{ ...file("a", ""), type: "directory" }]],
    ["gone", ["missing"], [file("a", "1")], []],
    ["new", ["extra"], [], [file("a", "1")]],
    ["another mode", ["permissions"], [file("a", "1")], [file("a", "1", { mode: 0o4755 })]],
    ["another owner", ["permissions"], [file("a", "1")], [file("a", "1", { uid: 7 })]],
    ["a capability more", ["permissions"], [file("a", "1")], [file("a", "1", capability)]],
    ["a conffile edited", ["conffile"], [file("etc/a", "1", { conffile: true })], [file("etc/a", "2")]],
    ["prelinked in the guest", ["prelinked"], [file("a", "1")], [file("a", "x", { prelinked: true, original: digest("1") })]],
    ["prelinked in both", ["prelinked"], [file("a", "x", { prelinked: true, original: digest("1") })], [file("a", "y", { prelinked: true, original: digest("1") })]],
    ["prelinked from something else", ["modified"], [file("a", "1")], [file("a", "x", { prelinked: true, original: digest("2") })]],
    ["claimed original without being prelinked", ["modified"], [file("a", "1")], [file("a", "x", { original: digest("1") })]],
  ])("%s is %j", (_name, expected, template, guest) => {
    expect(kinds(template, guest)).toEqual(expected);
  });
});

test("a tree does not drift from itself, and drift turns round when the trees do", () => {
  assert(
    property(tree, tree, (a, b) => {
      expect(summariseDrift(compareTrees(a, a))).toMatchObject({ same: a.length, bytes: 0, items: [] });
      const there = summariseDrift(compareTrees(a, b));
      const back = summariseDrift(compareTrees(b, a));
      expect(there.counts.missing).toBe(back.counts.extra);
      expect(there.same).toBe(back.same);
      expect(there.same + there.items.length + there.omitted - there.counts.extra).toBe(a.length);
    }),
  );
});

const release = (version: number) => [
  file("etc/ssl.cnf", `conf ${version}`, { conffile: true, package: "openssl" }),
  file("usr/bin/openssl", `binary ${version}`, { package: "openssl" }),
  file("usr/lib/libssl.so.3", `library ${version}`, { package: "openssl" }),
  file("usr/share/doc", "same in all", { package: "base" }),
];

test("files of an older template version are named with it, by package, across the fleet", () => {
  const versionOf = indexVersions(release(4), [["3", release(3)], ["2", release(2)]]);
  const drift = (guest: TreeEntry[]) => summariseDrift(compareTrees(release(4), guest), versionOf);
  expect(drift(release(3)).behind).toEqual([{ package: "openssl", version: "3", files: 2 }]);
  const fleet = summariseFleet([...Array.from({ length: 412 }, () => drift(release(3))), drift(release(2)), drift(release(4))]);
  expect(fleet).toMatchObject({ guests: 414, clean: 1 });
  expect(fleet.behind).toEqual([
    { package: "openssl", version: "3", guests: 412 },
    { package: "openssl", version: "2", guests: 1 },
  ]);
  expect(fleet.common.map(({ path, guests }) => `${path.toString()} ${guests}`)).toContain("usr/bin/openssl 413");
});

test("long drift is counted whole and listed to the limit", () => {
  const guest = Array.from({ length: 50 }, (_, i) => file(`x${String(i).padStart(2, "0")}`, "1"));
  const summary = summariseDrift(compareTrees([], guest), undefined, 10);
  expect(summary.counts.extra).toBe(50);
  expect([summary.items.length, summary.omitted]).toEqual([10, 40]);
});

describe("candidates", () => {
  const has = (name: string, domain: string, ...names: string[]) => ({ host: name.split("/")[0] ?? "", guest: name.split("/")[1] ?? "", domain, files: names.map((name) => ({ digest: digest(name), size: 100, path: Buffer.from(name) })) });
  test("files common to the same guests come together, with what sharing them frees", () => {
    const guests = [has("h1/a", "blue", "jre", "jar", "own-a"), has("h1/b", "blue", "jre", "jar"), has("h2/c", "blue", "jre", "jar", "twin"), has("h2/d", "blue", "twin")];
    expect(findCandidates(guests)).toEqual([
      { domain: "blue", guests: ["h1/a", "h1/b", "h2/c"], files: 2, bytes: 200, saving: 200, examples: [Buffer.from("jre"), Buffer.from("jar")] },
    ]);
  });
  test("domains are never added up", () => {
    const guests = [has("h1/a", "blue", "jre"), has("h1/b", "red", "jre"), has("h2/c", "blue", "jre")];
    expect(findCandidates(guests)).toEqual([]);
    expect(findCandidates(guests, { minimumGuests: 2 })).toMatchObject([{ domain: "blue", guests: ["h1/a", "h2/c"], bytes: 100, saving: 0 }]);
  });
  test("a file twice in one guest does not count twice", () => {
    expect(findCandidates([has("h/a", "blue", "x", "x"), has("h/b", "blue", "x")])).toEqual([]);
  });
});
