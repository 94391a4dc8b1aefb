/** Sizes below this (bytes) are a bit each: nearly every one occurs in a large catalog, and 128 KiB hold them all. */
const dense = 2 ** 20;

/**
 * The file sizes a catalog knows. It answers first: a file of a size that no template has is not
 * even hashed. Costs 128 KiB and 8 bytes for each distinct size from 1 MiB up.
 */
export class SizeSet {
  private readonly small = new Uint8Array(dense / 8);
  private readonly large: Float64Array;

  /** @param sizes ascending, distinct, in bytes. */
  constructor(sizes: readonly number[]) {
    for (const size of sizes) {
      if (size >= dense) break;
      this.small[size >>> 3] = (this.small[size >>> 3] ?? 0) | (1 << (size & 7));
    }
    this.large = Float64Array.from(sizes.filter((size) => size >= dense));
  }

  has(size: number): boolean {
    if (size < dense) return ((this.small[size >>> 3] ?? 0) & (1 << (size & 7))) !== 0;
    let from = 0;
    let to = this.large.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if ((this.large[middle] ?? 0) < size) from = middle + 1;
      else to = middle;
    }
    return this.large[from] === size;
  }

  /** Bytes of memory it keeps. */
  get byteLength(): number {
    return this.small.byteLength + this.large.byteLength;
  }
}
