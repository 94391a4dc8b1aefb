import { createHash } from "node:crypto";
import { assert, boolean, nat, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { tree } from "../testing/arbitrary-tree.ts";
import { readManifest, wholeFrames } from "./manifest-reader.ts";
import { ManifestWriter } from "./manifest-writer.ts";
import type { TreeEntry } from "./tree-entry.ts";

function write(entries: readonly TreeEntry[], writer = new ManifestWriter()): { bytes: Buffer; name: string } {
  const frames: Buffer[] = [];
  for (const entry of entries) {
    const full = writer.add(entry);
    if (full !== undefined) frames.push(full);
  }
  const { frames: rest, name } = writer.finish();
  return { bytes: Buffer.concat([...frames, ...rest]), name };
}

/** A tree like a distribution's: 20,000 files in a few hundred directories. */
function large(): TreeEntry[] {
  const paths = Array.from({ length: 20_000 }, (_, i) => `usr/share/package-${i % 300}/file-${i}.dat`);
  return paths.sort().map((path) => ({
    path: Buffer.from(path), type: "file", mode: 0o644, uid: 0, gid: 0, size: path.length,
    digest: createHash("sha256").update(path).digest(), attributes: [], package: path.split("/")[2] ?? "", conffile: false, prelinked: false,
  })); // prettier-ignore
}

test("any tree comes back as it was written, whatever bytes its names hold", () => {
  assert(
    property(tree, (entries) => {
      const { bytes, name } = write(entries);
      expect([...readManifest(bytes, name)]).toEqual(entries);
    }),
  );
});

test("equal trees have equal names, different trees different ones", () => {
  const entries = large();
  expect(write(entries).name).toBe(write(entries).name);
  expect(write(entries.slice(1)).name).not.toBe(write(entries).name);
});

test("a file costs less than 48 bytes", () => {
  const entries = large();
  expect(write(entries).bytes.length / entries.length).toBeLessThan(48);
});

test("a transfer cut off anywhere goes on after the last whole frame", () => {
  const entries = large();
  const { bytes } = write(entries);
  for (const cut of [0, 1, 100_000, bytes.length - 1]) {
    const { bytes: kept, complete } = wholeFrames(bytes.subarray(0, cut));
    expect(complete).toBe(false);
    expect(kept).toBeLessThanOrEqual(cut);
    expect(wholeFrames(Buffer.concat([bytes.subarray(0, kept), bytes.subarray(kept)]))).toEqual({ bytes: bytes.length, complete: true });
  }
});

test("a writer that was interrupted goes on after its last frame and ends at the same name", () => {
  const entries = large();
  const whole = write(entries);
  const first = new ManifestWriter();
  const frames: Buffer[] = [];
  let position = first.position;
  for (const entry of entries.slice(0, 15_000)) {
    const full = first.add(entry);
    if (full === undefined) continue;
    frames.push(full);
    position = first.position;
  }
  const rest = entries.filter(({ path }) => Buffer.compare(path, position.lastPath) > 0);
  expect(rest.length).toBeLessThan(entries.length);
  const second = write(rest, new ManifestWriter(position));
  expect(second.name).toBe(whole.name);
  expect(Buffer.concat([...frames, second.bytes]).equals(whole.bytes)).toBe(true);
});

test("a manifest cut off or overwritten anywhere is refused", () => {
  const { bytes, name } = write(large().slice(0, 2000));
  const outcome = (damaged: Buffer) => {
    try {
      return [...readManifest(damaged, name)].length;
    } catch (error) {
      return String(error);
    }
  };
  expect(outcome(bytes)).toBe(2000);
  assert(
    property(nat({ max: bytes.length - 1 }), uint8Array({ minLength: 1, maxLength: 8 }), boolean(), (at, edit, cut) => {
      const damaged = Buffer.from(cut ? bytes.subarray(0, at) : bytes);
      if (!cut) damaged.set(edit.subarray(0, bytes.length - at), at);
      expect(damaged.equals(bytes) ? "template-corrupt" : outcome(damaged)).toMatch(/template-corrupt/);
    }),
  );
});

test("entries out of order are refused by writer and reader", () => {
  const [first, second] = large();
  if (first === undefined || second === undefined) throw new Error("no entries");
  expect(() => write([second, first])).toThrow(/template-corrupt/);
});
