import { array, assert, bigInt, constantFrom, integer, nat, oneof, property, record, tuple, uint8Array } from "fast-check";
import { describe, expect, test } from "vitest";
import { prelinkFixtures } from "../testing/prelink-fixtures.ts";
import { syntheticElf } from "../testing/synthetic-elf.ts";
import { findOriginal } from "./find-original.ts";

const fixtures = prelinkFixtures();
const seeds = new Map<string, Buffer>([["synthetic", syntheticElf().prelinked]]);
for (const file of ["i386/a/libmid.so", "i386/a/libalone.so", "x86-64/a/libalone.so", "x86-64/a/prog2", "i386/inexact/libextra-moved.so"]) {
  if (fixtures !== undefined) seeds.set(file, fixtures.read(file));
}

/** Linear, counted in bytes touched, so that a slow machine does not fail and a fast one does not hide it. */
function excess(content: Buffer): number {
  return Math.max(0, findOriginal(content).touched - 64 * 1024 - 32 * content.length);
}

const values = oneof(
  constantFrom(0n, 1n, 0xffn, 0x7fffffffn, 0xffffffffn, 0xffffffffffffffffn, 0x8000000000000000n),
  bigInt({ min: 0n, max: 0xffffffffffffffffn }),
);

describe.each([...seeds])("hostile variants of %s", (_name, seed) => {
  test("cut off anywhere cost linear time and end as a reason", () => {
    for (let length = 0; length < seed.length; length += 1 + Math.floor(seed.length / 700)) expect(excess(seed.subarray(0, length))).toBe(0);
  });

  test("with words overwritten anywhere never crash the reader", () => {
    const edit = record({ at: nat(seed.length - 8), value: values, width: constantFrom(1, 2, 4, 8) });
    assert(
      property(array(edit, { minLength: 1, maxLength: 8 }), (edits) => {
        const content = Buffer.from(seed);
        for (const { at, value, width } of edits) {
          const word = Buffer.alloc(8);
          word.writeBigUInt64LE(value);
          word.copy(content, at, 0, width);
        }
        expect(excess(content)).toBe(0);
      }),
      { numRuns: 1500 },
    );
  });

  test("with header fields overwritten never crash the reader", () => {
    // Most bytes of a file are contents; the headers are where a reader is led astray.
    const shoff = seed[4] === 2 ? Number(seed.readBigUInt64LE(40)) : seed.readUInt32LE(32);
    const field = oneof(nat(60), integer({ min: shoff, max: seed.length - 8 }).map((at) => at & ~3));
    assert(
      property(array(tuple(field, values), { minLength: 1, maxLength: 4 }), (edits) => {
        const content = Buffer.from(seed);
        for (const [at, value] of edits) content.writeUInt32LE(Number(value & 0xffffffffn), at);
        expect(excess(content)).toBe(0);
      }),
      { numRuns: 1500 },
    );
  });
});

test("a file whose parts overlap to cost quadratic time is refused", () => {
  // 900 copies of the same large section header: each would copy the file once.
  const { prelinked } = syntheticElf();
  const copies = 900;
  const shoff = Number(prelinked.readBigUInt64LE(40));
  const filler = Buffer.alloc(200_000);
  const data = Buffer.from(prelinked.subarray(shoff + 6 * 64, shoff + 7 * 64));
  data.writeBigUInt64LE(0n, 24);
  data.writeBigUInt64LE(BigInt(filler.length), 32);
  const undoHeader = prelinked.subarray(shoff + 9 * 64, shoff + 10 * 64);
  const table = [Buffer.alloc(64), ...Array.from({ length: copies }, () => data)];
  const strings = prelinked.subarray(shoff + 10 * 64, shoff + 11 * 64);
  const undo = Buffer.concat([prelinked.subarray(0, 64 + 2 * 56), ...table.slice(1), strings]);
  undo.writeUInt16LE(copies + 2, 60);
  undo.writeBigUInt64LE(0x400n, 40);
  const start = Buffer.concat([prelinked.subarray(0, shoff), filler, undo]);
  undoHeader.writeBigUInt64LE(BigInt(shoff + filler.length), 24);
  undoHeader.writeBigUInt64LE(BigInt(undo.length), 32);
  const content = Buffer.concat([start, ...table, undoHeader, strings]);
  content.writeBigUInt64LE(BigInt(start.length), 40);
  content.writeUInt16LE(copies + 3, 60);
  content.writeUInt16LE(copies + 2, 62);
  const finding = findOriginal(content);
  expect(finding.reason).toMatch(/^elf-too-costly: /);
});

test("a file of bytes that are no ELF is nothing", () => {
  assert(
    property(uint8Array({ maxLength: 300 }), (bytes) => {
      expect(findOriginal(Buffer.from(bytes)).state).toBe("other");
    }),
  );
});
