import { createHash } from "node:crypto";
import { mkdir, readFile, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DigestSet, prefixesOf } from "@samepage/catalog";
import { loopFsSkipReason, withLoopFs } from "@samepage/test-support";
import { type CatalogScope, unify, type UnifyOptions } from "@samepage/unify";
import { describe, expect, test } from "vitest";

const reason = loopFsSkipReason("ext4");
const sha256 = (text: string) => createHash("sha256").update(text).digest();
const pad = (text: string) => text.padEnd(5000, ".");

/** A catalog that knows these contents by their digests and sizes. */
function catalogOf(...contents: string[]): DigestSet {
  return new DigestSet({ prefixes: prefixesOf(contents.map(sha256)), sizes: [...new Set(contents.map(({ length }) => length))].sort((a, b) => a - b) });
}

/** What a forger's catalog has: the first 8 bytes of a real digest, and the rest of another file. */
function collisionWith(content: string): Buffer {
  return Buffer.concat([sha256(content).subarray(0, 8), Buffer.alloc(24, 0xee)]);
}

async function plant(mount: string, trees: Record<string, Record<string, string>>): Promise<void> {
  for (const [guest, files] of Object.entries(trees)) {
    for (const [name, content] of Object.entries(files)) {
      const path = join(mount, guest, "usr", name);
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, content);
      await utimes(path, 1_700_000_000, 1_700_000_000);
    }
  }
}

function options(mount: string, catalog: CatalogScope, more: Partial<UnifyOptions> = {}): UnifyOptions {
  const guests = ["a", "b"].map((name) => ({ name, path: join(mount, name), domain: "default", state: "stopped" as const }));
  return { guests, strategy: "hardlink", guard: "none", stateDir: join(mount, "state"), catalog: () => catalog, ...more };
}

async function shared(mount: string, name: string): Promise<boolean> {
  const [a, b] = await Promise.all(["a", "b"].map(async (guest) => stat(join(mount, guest, "usr", name))));
  return a?.ino === b?.ino;
}

describe.skipIf(reason !== undefined)(`scope template on ext4${reason === undefined ? "" : ` (skipped: ${reason})`}`, () => {
  test("unifies what the catalog knows, reads no file of another size, and leaves alone what is already shared", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      const files = { known: pad("known"), stranger: pad("stranger"), odd: "of a size that no template has" };
      await plant(mount, { a: files, b: files });
      const report = await unify(options(mount, catalogOf(files.known)));
      expect(report.files).toMatchObject({ unified: 1, skipped: { "not-in-template": 4 } });
      expect([await shared(mount, "known"), await shared(mount, "stranger"), await shared(mount, "odd")]).toEqual([true, false, false]);
      // Four files of a known size, and the one that was shared once more before anything is linked to it; not a byte of the odd ones.
      expect(report.bytes.hashed).toBe(5 * 5000);
      const { catalog: _, ...everything } = options(mount, catalogOf());
      expect((await unify(everything)).files.unified).toBe(2);
      // A catalog that has lost everything takes nothing back.
      expect((await unify(options(mount, catalogOf()))).files.unified).toBe(0);
      expect(await shared(mount, "known")).toBe(true);
    });
  });

  test("a malicious catalog with crafted prefix collisions costs a comparison and never merges what differs", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      await plant(mount, { a: { program: pad("one"), twin: pad("same") }, b: { program: pad("two"), twin: pad("same") } });
      const forged = new DigestSet({ prefixes: prefixesOf([pad("one"), pad("two"), pad("same")].map(collisionWith)), sizes: [5000] });
      expect(forged.hasDigest(sha256(pad("one")))).toBe(true);
      const report = await unify(options(mount, forged));
      expect(report.files.unified).toBe(1);
      expect([await shared(mount, "program"), await shared(mount, "twin")]).toEqual([false, true]);
      expect(await readFile(join(mount, "a/usr/program"), "utf8")).toBe(pad("one"));
      expect(await readFile(join(mount, "b/usr/program"), "utf8")).toBe(pad("two"));
    });
  });

  test("a catalog that says yes to everything merges exactly what a run without one merges", async () => {
    const credulous: CatalogScope = { hasSize: () => true, hasDigest: () => true };
    const files = (guest: string) => Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`f${at}`, pad(at % 3 === 0 ? `${guest}${at}` : `common ${at % 7}`)]));
    const unified: number[] = [];
    for (const catalog of [credulous, undefined]) {
      await withLoopFs("ext4", 32, async ({ mount }) => {
        await plant(mount, { a: files("a"), b: files("b") });
        const { catalog: _, ...everything } = options(mount, credulous);
        unified.push((await unify(catalog === undefined ? everything : options(mount, catalog))).files.unified);
        for (const guest of ["a", "b"]) {
          for (const [name, content] of Object.entries(files(guest))) expect(await readFile(join(mount, guest, "usr", name), "utf8")).toBe(content);
        }
      });
    }
    expect(unified[0]).toBe(unified[1]);
    expect(unified[0]).toBeGreaterThan(0);
  });

  test("each domain's files are held to its own catalog", async () => {
    await withLoopFs("ext4", 32, async ({ mount }) => {
      await plant(mount, { a: { one: pad("one") }, b: { one: pad("one") }, c: { one: pad("one") }, d: { one: pad("one") } });
      const guests = ["a", "b", "c", "d"].map((name) => ({ name, path: join(mount, name), domain: name < "c" ? "blue" : "red", state: "stopped" as const }));
      const report = await unify(options(mount, catalogOf(), { guests, catalog: (domain) => catalogOf(...(domain === "blue" ? [pad("one")] : [])) }));
      expect(report.guests.map(({ unified }) => unified)).toEqual([0, 1, 0, 0]);
      expect(report.files.skipped["not-in-template"]).toBe(2);
    });
  });
});
