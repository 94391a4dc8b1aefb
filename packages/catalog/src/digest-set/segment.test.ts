import { array, assert, bigInt, boolean, nat, property, uint8Array, uniqueArray } from "fast-check";
import { expect, test } from "vitest";
import { randomDigests } from "../testing/random-digests.ts";
import { DigestSet } from "./digest-set.ts";
import type { CatalogLists } from "./digest-set.ts";
import { listChecksum } from "./list-checksum.ts";
import { planSegment } from "./plan-segments.ts";
import { fromSorted, prefixCount, prefixesOf } from "./prefix-list.ts";
import { applySegment, decodeSegment, emptyLists, encodeSegment } from "./segment.ts";

const keys = uniqueArray(bigInt({ min: 0n, max: 2n ** 64n - 1n }), { maxLength: 200 });
const sizes = uniqueArray(nat({ max: Number.MAX_SAFE_INTEGER }), { maxLength: 200 });
const lists = (prefixes: bigint[], bytes: number[]): CatalogLists => ({
  prefixes: fromSorted(BigUint64Array.from(prefixes).sort()),
  sizes: bytes.toSorted((a, b) => a - b),
});

test("any list survives coding, whatever its gaps", () => {
  assert(
    property(keys, sizes, (prefixes, bytes) => {
      const wanted = lists(prefixes, bytes);
      const planned = planSegment(emptyLists, wanted, undefined);
      const decoded = decodeSegment(encodeSegment(planned?.segment ?? { kind: "base", removed: new Uint32Array(0), added: wanted.prefixes, addedSizes: [] }));
      expect(applySegment(emptyLists, decoded)).toEqual(wanted);
    }),
  );
});

test("a chain of deltas gives the list that was published last, compacted now and then", () => {
  assert(
    property(array(keys, { minLength: 2, maxLength: 8 }), (versions) => {
      let agent = emptyLists;
      let before = emptyLists;
      let layout: Parameters<typeof planSegment>[2];
      for (const version of versions) {
        const after = lists(version, []);
        const planned = planSegment(before, after, layout);
        if (planned !== undefined) agent = applySegment(agent, decodeSegment(encodeSegment(planned.segment)));
        layout = planned?.layout ?? layout;
        before = after;
        expect(agent.prefixes).toEqual(after.prefixes);
      }
    }),
  );
});

test("32 deltas, or deltas of a fifth of the base, make a new base", () => {
  const all = randomDigests(20_000);
  const at = (count: number): CatalogLists => ({ prefixes: prefixesOf(all.slice(0, count)), sizes: [] });
  let layout = planSegment(emptyLists, at(10_000), undefined)?.layout;
  const kinds: string[] = [];
  for (let i = 0; i < 33; i++) {
    const planned = planSegment(at(10_000 + i), at(10_001 + i), layout);
    kinds.push(planned?.segment.kind ?? "none");
    layout = planned?.layout;
  }
  expect(kinds.indexOf("base")).toBe(31);
  const grown = { baseEntries: 10_000, deltas: 1, deltaEntries: 1500 };
  expect(planSegment(at(10_000), at(10_400), grown)?.segment.kind).toBe("delta");
  expect(planSegment(at(10_000), at(10_600), grown)?.segment.kind).toBe("base");
});

test("a segment cut or overwritten anywhere is refused or decodes to other lists, and never crashes", () => {
  const wanted: CatalogLists = { prefixes: prefixesOf(randomDigests(500)), sizes: [1, 5, 4096, 2 ** 40] };
  const whole = encodeSegment({ kind: "base", removed: new Uint32Array(0), added: wanted.prefixes, addedSizes: wanted.sizes });
  const outcome = (bytes: Buffer) => {
    try {
      return listChecksum(applySegment(emptyLists, decodeSegment(bytes)));
    } catch (error) {
      return String(error);
    }
  };
  const good = listChecksum(wanted);
  expect(outcome(whole)).toBe(good);
  assert(
    property(nat({ max: whole.length - 1 }), uint8Array({ minLength: 1, maxLength: 8 }), boolean(), (at, edit, cut) => {
      const bytes = Buffer.from(cut ? whole.subarray(0, at) : whole);
      if (!cut) bytes.set(edit.subarray(0, whole.length - at), at);
      expect(outcome(bytes)).toMatch(bytes.equals(whole) ? good : /^CatalogError: segment-corrupt|^[0-9a-f]{64}$/);
    }),
    { numRuns: 2000 },
  );
});

test("a lying count costs no memory", () => {
  const bytes = encodeSegment({ kind: "base", removed: new Uint32Array(0), added: prefixesOf(randomDigests(10)), addedSizes: [] });
  bytes.writeUInt32LE(2 ** 27, 8);
  expect(() => decodeSegment(bytes)).toThrow(/segment-corrupt/);
});

test("membership holds for every member and for nobody else, in crafted lists too", () => {
  const members = randomDigests(5000);
  const set = new DigestSet({ prefixes: prefixesOf(members), sizes: [10, 2 ** 21] });
  expect(members.every((digest) => set.hasDigest(digest))).toBe(true);
  expect(randomDigests(5000, "other").some((digest) => set.hasDigest(digest))).toBe(false);
  expect([10, 11, 2 ** 21, 2 ** 21 + 1].map((size) => set.hasSize(size))).toEqual([true, false, true, false]);
  // All in one corner, with equal upper halves: one bucket holds them all.
  assert(
    property(uniqueArray(bigInt({ min: 0n, max: 2n ** 34n }), { minLength: 1, maxLength: 100 }), bigInt({ min: 0n, max: 2n ** 34n }), (crafted, probe) => {
      const prefixes = fromSorted(BigUint64Array.from(crafted).sort());
      const digest = Buffer.alloc(32);
      digest.writeBigUInt64BE(probe);
      expect(prefixCount(prefixes)).toBe(crafted.length);
      expect(new DigestSet({ prefixes, sizes: [] }).hasDigest(digest)).toBe(crafted.includes(probe));
    }),
  );
});
