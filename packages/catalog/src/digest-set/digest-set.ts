import { PrefixIndex } from "./prefix-index.ts";
import type { PrefixList } from "./prefix-list.ts";
import { SizeSet } from "./size-set.ts";

/** The contents of one domain's catalog, as lists: what segments carry. */
export interface CatalogLists {
  prefixes: PrefixList;
  /** Distinct sizes in bytes, ascending. A stale size only wastes a hash, so sizes go only with a new base. */
  sizes: readonly number[];
}

/**
 * What an agent asks: is a file of this size, is a file with this digest in the catalog? A yes is a
 * proposal, false once in 2⁶⁴/entries probes or whenever somebody crafts a prefix; the bytes are
 * compared before anything is shared.
 */
export class DigestSet {
  private readonly prefixes: PrefixIndex;
  private readonly sizes: SizeSet;

  constructor(lists: CatalogLists) {
    this.prefixes = new PrefixIndex(lists.prefixes);
    this.sizes = new SizeSet(lists.sizes);
  }

  /** Number of digests. */
  get count(): number {
    return this.prefixes.count;
  }

  /** Bytes of memory it keeps. */
  get byteLength(): number {
    return this.prefixes.byteLength + this.sizes.byteLength;
  }

  /** Whether any file of that many bytes is known: if not, hashing is a waste. */
  hasSize(bytes: number): boolean {
    return this.sizes.has(bytes);
  }

  /** Whether a file whose SHA-256 starts like this one's is known. */
  hasDigest(digest: Uint8Array): boolean {
    return this.prefixes.has(bigEndian(digest, 0), bigEndian(digest, 4));
  }
}

/** Faster than a DataView made for each lookup. */
function bigEndian(bytes: Uint8Array, at: number): number {
  return (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
}
