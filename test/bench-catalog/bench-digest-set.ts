import { generateKeyPairSync, randomFillSync } from "node:crypto";
import { applySegment, decodeSegment, DigestSet, emptyLists, prefixesOf, publishCatalog } from "@samepage/catalog";
import type { CatalogLists } from "@samepage/catalog";
import type { Measured } from "./measured.ts";

const million = 1_000_000;
const added = 10_000;

/**
 * Sizes as they are on a Debian host: of 649,420 files, 51,521 sizes are distinct, half of them
 * below 64 KiB. Log-normal with a median of 4 KiB gives the same picture.
 */
function sizes(count: number): number[] {
  const normal = () => Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
  return Array.from({ length: count }, () => Math.max(1, Math.round(4096 * Math.exp(2 * normal()))));
}

function distinct(numbers: readonly number[]): number[] {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

function digests(count: number): Buffer[] {
  const bytes = randomFillSync(Buffer.alloc(32 * count));
  return Array.from({ length: count }, (_, index) => bytes.subarray(index * 32, index * 32 + 32));
}

/** Bytes on the wire, memory and time per lookup, at a million digests. */
export function* benchDigestSet(): Generator<Measured> {
  const { privateKey: key } = generateKeyPairSync("ed25519");
  const first = digests(million);
  const firstSizes = sizes(million);
  const lists: CatalogLists = { prefixes: prefixesOf(first), sizes: distinct(firstSizes) };
  const publishStart = performance.now();
  const base = publishCatalog(undefined, lists, { domain: "bench", key, now: 0 });
  if (base === undefined) throw new Error("nothing to publish");
  yield { what: "encode a base of 1,000,000", value: performance.now() - publishStart, unit: "ms" };
  yield { what: "wire, 1,000,000 digests", value: (base.segment.bytes.length + base.signed.length) / 1e6, unit: "MB", limit: 5.8 };
  yield { what: "  of these the distinct sizes", value: lists.sizes.length, unit: "sizes" };
  const grown: CatalogLists = {
    prefixes: prefixesOf([...first, ...digests(added)]),
    sizes: distinct([...firstSizes, ...sizes(added)]),
  };
  const delta = publishCatalog(base, grown, { domain: "bench", key, now: 0 });
  if (delta === undefined) throw new Error("nothing to publish");
  yield { what: "wire, 10,000 digests added", value: (delta.segment.bytes.length + delta.signed.length) / 1e3, unit: "kB", limit: 70 };
  const decodeStart = performance.now();
  const set = new DigestSet(applySegment(applySegment(emptyLists, decodeSegment(base.segment.bytes)), decodeSegment(delta.segment.bytes)));
  yield { what: "decode base and delta at an agent", value: performance.now() - decodeStart, unit: "ms" };
  yield { what: "memory at an agent, per 1,000,000", value: set.byteLength / 1e6 / (set.count / million), unit: "MB", limit: 9 };
  yield* lookups(set, first);
}

function* lookups(set: DigestSet, members: readonly Buffer[]): Generator<Measured> {
  const strangers = digests(million / 16);
  // Members at random over the whole list, so that the processor's cache does not hold the answers;
  // copied side by side, because an agent asks for a digest it has just computed.
  for (const [what, probes] of [["hit", members.filter((_, index) => index % 16 === 0).map((digest) => Buffer.from(digest))], ["miss", strangers]] as const) {
    let best = Number.POSITIVE_INFINITY;
    let found = 0;
    for (let round = 0; round < 25; round++) {
      found = 0;
      const start = performance.now();
      for (const digest of probes) if (set.hasDigest(digest)) found++;
      best = Math.min(best, performance.now() - start);
    }
    if (found !== (what === "hit" ? probes.length : 0)) throw new Error(`${found} of ${probes.length} found`);
    yield { what: `lookup, ${what}`, value: (best * 1000) / probes.length, unit: "µs", limit: 0.5 };
  }
}
