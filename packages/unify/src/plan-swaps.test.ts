import { describe, expect, test } from "vitest";
import { type InodeFacts, planSwaps } from "./plan-swaps.ts";
import type { SkipReason } from "./skip-reason.ts";

interface Inode {
  readonly links?: number;
  readonly names?: number;
  readonly age?: number;
  readonly pooled?: boolean;
  readonly sealed?: boolean;
  readonly hindrance?: SkipReason;
}

function plan(groups: readonly (readonly Inode[])[], limit = 65_000) {
  const all = groups.flat();
  const at = (inode: number) => all[inode] ?? {};
  const facts: InodeFacts = {
    ino: (inode) => 1000 + inode,
    links: (inode) => at(inode).links ?? at(inode).names ?? 1,
    names: (inode) => at(inode).names ?? 1,
    ctime: (inode) => 1000 - (at(inode).age ?? 0),
    isPooled: (inode) => at(inode).pooled ?? false,
    isSealed: (inode) => at(inode).sealed ?? false,
    linkLimit: () => limit,
    shares: () => "links",
    hindrance: (inode) => at(inode).hindrance,
  };
  let next = 0;
  const groupStart = Uint32Array.from([0, ...groups.map((group) => (next += group.length))]);
  const nothingPlain = { words: new Uint32Array(all.length * 2), wordCount: 0, fates: new Uint8Array(all.length), others: Uint32Array.from(groups.keys()) };
  const { words, fate } = planSwaps({ groupStart, grouped: Uint32Array.from(all.keys()) }, facts, nothingPlain);
  return { words: [...words], fates: all.map((_, inode) => fate.get(inode)) };
}

describe("the canonical inode", () => {
  test("is the pool's where it has one", () => {
    expect(plan([[{ names: 3 }, { pooled: true, links: 2 }]])).toEqual({ words: [1, 1, 0], fates: ["member", "already-unified"] });
  });

  test("is else the one with most links", () => {
    expect(plan([[{}, { names: 2 }, {}]])).toEqual({ words: [1, 2, 2, 0], fates: ["member", "canonical", "member"] });
  });

  test("is else the oldest", () => {
    expect(plan([[{ age: 1 }, { age: 9 }]]).fates).toEqual(["member", "canonical"]);
  });
});

test("an inode that somebody locks takes no part, and its group goes on without it", () => {
  expect(plan([[{ hindrance: "locked" }, {}, {}]])).toEqual({ words: [1, 1, 2], fates: ["locked", "canonical", "member"] });
});

test("a full inode is followed by a new generation, never exceeded", () => {
  const { words, fates } = plan([Array.from({ length: 7 }, () => ({}))], 4);
  // The pool's own name counts: three guests' names to an inode.
  expect(words).toEqual([0, 2, 6, 5, 1, 2, 4, 3]);
  expect(fates.filter((fate) => fate === "link-limit")).toEqual(["link-limit"]);
});

test("a full pool object is left to those it has", () => {
  expect(plan([[{ pooled: true, links: 4 }, {}, {}]], 4)).toEqual({ words: [1, 1, 2], fates: ["already-unified", "canonical", "member"] });
});

test("a sealed pool object is left to those it has: newcomers share another, and one that comes alone is left alone", () => {
  const sealed = { pooled: true, sealed: true, links: 3 };
  expect(plan([[sealed, {}, {}]])).toEqual({ words: [1, 1, 2], fates: ["already-unified", "canonical", "member"] });
  expect(plan([[sealed, {}]])).toEqual({ words: [], fates: ["already-unified", "immutable"] });
  expect(plan([[sealed, { pooled: true, links: 2 }, {}]]).words).toEqual([1, 1, 2]);
});

test("groups do not mix", () => {
  expect(plan([[{}, {}], [{}, {}]]).words).toEqual([0, 1, 1, 2, 1, 3]);
});
