import { closeSync, linkSync, openSync, utimesSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Candidates, identifyTree, JobControl, planPlainGroups, scanTrees, type Tree } from "@samepage/linux";
import { expect, test } from "vitest";
import { type InodeFacts, planSwaps } from "./plan-swaps.ts";

const guests = 4;

test("what is planned in bulk is what would be planned group by group, and groups with a held or a full inode are not planned in bulk", async () => {
  const directory = await mkdtemp(join(tmpdir(), "samepage-plain-plan-"));
  const fds: number[] = [];
  try {
    for (let guest = 0; guest < guests; guest++) {
      const root = join(directory, `guest-${guest}`);
      await mkdir(root);
      fds.push(openSync(root, "r"));
      for (let file = 0; file < 20; file++) {
        // Guests have other links to some files, so that not the first one is the best.
        const path = join(root, `file-${file}`);
        await writeFile(path, `content ${file}`);
        utimesSync(path, 1e9, 1e9);
        for (let more = 0; more < (file * 7 + guest * 5) % 4; more++) linkSync(path, `${path}.${more}`);
      }
    }
    const control = new JobControl({});
    using tree = await scanTrees({ guests: fds.map((fd) => ({ fd, space: 0, pool: false, exact: [] })), patterns: [], tags: [], minSize: 1, threads: 2 }, control);
    const candidates = await identifyTree(tree, { identity: Uint8Array.of(1), ignoreMtime: false, index: undefined, minThreads: 1, maxThreads: 2, dropCache: false }, control);
    const groups = candidates.groupStart.length - 1;
    expect(groups).toBe(20);
    const facts = factsOf(tree, candidates);
    const bulk = planPlainGroups(tree, candidates, [{ links: true, linkLimit: 65_000, partsNames: false }], []);
    expect(bulk.others).toHaveLength(0);
    const none = { words: new Uint32Array(candidates.grouped.length * 2), wordCount: 0, fates: new Uint8Array(candidates.inodeCount), others: Uint32Array.from({ length: groups }, (_, group) => group) };
    const singly = planSwaps(candidates, facts, none);
    const together = planSwaps(candidates, facts, bulk);
    expect(swapsOf(together.words)).toEqual(swapsOf(singly.words));
    expect(together.fate.bytes).toEqual(singly.fate.bytes);

    const held = tree.ino(candidates.row(candidates.grouped[0] ?? 0));
    expect([...planPlainGroups(tree, candidates, [{ links: true, linkLimit: 65_000, partsNames: false }], [held]).others]).toEqual([0]);
    expect(planPlainGroups(tree, candidates, [{ links: true, linkLimit: 4, partsNames: false }], []).others).toHaveLength(groups);
    expect(planPlainGroups(tree, candidates, [{ links: false, linkLimit: 65_000, partsNames: false }], []).others).toHaveLength(groups);
    expect(planPlainGroups(tree, candidates, [{ links: true, linkLimit: 65_000, partsNames: true }], []).others.length).toBeGreaterThan(0);
  } finally {
    for (const fd of fds) closeSync(fd);
    await rm(directory, { recursive: true });
  }
});

function factsOf(tree: Tree, candidates: Candidates): InodeFacts {
  return {
    ino: (inode) => tree.ino(candidates.row(inode)),
    links: (inode) => tree.links(candidates.row(inode)),
    names: (inode) => candidates.names(inode),
    ctime: (inode) => tree.changed(candidates.row(inode)),
    isPooled: () => false,
    isSealed: () => false,
    linkLimit: () => 65_000,
    shares: () => "links",
    hindrance: () => undefined,
  };
}

/** Canonical inode and members of each swap; the order of members is nobody's business. */
function swapsOf(words: Uint32Array): { canonical: number; members: number[] }[] {
  const swaps: { canonical: number; members: number[] }[] = [];
  for (let at = 0; at < words.length; at += 2 + (words[at + 1] ?? 0)) {
    swaps.push({ canonical: words[at] ?? 0, members: [...words.subarray(at + 2, at + 2 + (words[at + 1] ?? 0))].sort((a, b) => a - b) });
  }
  return swaps;
}
