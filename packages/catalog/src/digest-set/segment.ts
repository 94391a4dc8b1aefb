import { createHash } from "node:crypto";
import { CatalogError } from "../catalog-error.ts";
import { BitReader } from "./bit-reader.ts";
import { BitWriter } from "./bit-writer.ts";
import type { CatalogLists } from "./digest-set.ts";
import { applyDelta, noPrefixes, prefixCount } from "./prefix-list.ts";
import type { PrefixList } from "./prefix-list.ts";
import { readAscending, readPrefixes, writeAscending, writePrefixes } from "./rice.ts";

/**
 * One immutable piece of a catalog. A base starts from nothing; a delta changes the list before it.
 * On the wire: magic, kind, three counts, then the coded lists. Integrity comes from its SHA-256,
 * which the signed manifest names; so it needs no checksum of its own.
 */
export interface Segment {
  kind: "base" | "delta";
  /** Positions removed from the list before, ascending. Empty in a base. */
  removed: Uint32Array;
  added: PrefixList;
  /** Sizes not known before, ascending. */
  addedSizes: readonly number[];
}

const magic = Buffer.from("SPC1");
const headerBytes = 20;

/** Entries one segment may hold: the design limit of a catalog (10⁸) with room; 800 MB of memory at an agent. */
const mostEntries = 2 ** 28;

/** The list before the first segment. */
export const emptyLists: CatalogLists = { prefixes: noPrefixes, sizes: [] };

/** Codes a segment for the wire and the disk. */
export function encodeSegment(segment: Segment): Buffer {
  const header = Buffer.alloc(headerBytes);
  magic.copy(header);
  header.writeUInt32LE(segment.kind === "base" ? 0 : 1, 4);
  header.writeUInt32LE(prefixCount(segment.added), 8);
  header.writeUInt32LE(segment.removed.length, 12);
  header.writeUInt32LE(segment.addedSizes.length, 16);
  const bits = new BitWriter(prefixCount(segment.added) * 6 + 1024);
  writePrefixes(bits, segment.added);
  writeAscending(bits, segment.removed);
  writeAscending(bits, segment.addedSizes);
  return Buffer.concat([header, bits.finish()]);
}

/** Reads a segment. @throws CatalogError `segment-corrupt` for anything that encodeSegment did not write. */
export function decodeSegment(bytes: Buffer): Segment {
  if (bytes.length < headerBytes || !bytes.subarray(0, 4).equals(magic)) throw new CatalogError("segment-corrupt", "not a catalog segment");
  const kind = bytes.readUInt32LE(4);
  const counts = [8, 12, 16].map((at) => bytes.readUInt32LE(at));
  if (kind > 1 || counts.some((count) => count > mostEntries)) throw new CatalogError("segment-corrupt", "its header makes no sense");
  const [added = 0, removed = 0, sizes = 0] = counts;
  const bits = new BitReader(bytes.subarray(headerBytes));
  const prefixes = readPrefixes(bits, added);
  const segment: Segment = {
    kind: kind === 0 ? "base" : "delta",
    added: prefixes,
    removed: Uint32Array.from(readAscending(bits, removed)),
    addedSizes: readAscending(bits, sizes),
  };
  if (bits.remaining > 0) throw new CatalogError("segment-corrupt", `${bits.remaining} bytes too many`);
  if (segment.kind === "base" && removed > 0) throw new CatalogError("segment-corrupt", "a base that removes");
  return segment;
}

/** The lists after one more segment. @throws CatalogError `segment-corrupt` when it does not fit what came before. */
export function applySegment(before: CatalogLists, segment: Segment): CatalogLists {
  if (segment.kind === "base") return { prefixes: segment.added, sizes: segment.addedSizes };
  const last = segment.removed.at(-1);
  if (last !== undefined && last >= prefixCount(before.prefixes)) throw new CatalogError("segment-corrupt", `it removes entry ${last} of ${prefixCount(before.prefixes)}`);
  const sizes = [...before.sizes, ...segment.addedSizes].sort((a, b) => a - b);
  return { prefixes: applyDelta(before.prefixes, segment.removed, segment.added), sizes };
}

/** SHA-256 in hex, by which manifests name segments. */
export function segmentName(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
