/** Appends bits, least significant first within a byte, into a buffer that grows as needed. */
export class BitWriter {
  private bytes: Uint8Array;
  private used = 0;
  private pending = 0;
  private pendingBits = 0;

  /** @param expectedBytes first allocation; a good guess saves copies. */
  constructor(expectedBytes = 1024) {
    this.bytes = new Uint8Array(expectedBytes);
  }

  /** Writes the low `count` bits of `value`; 0 ≤ count ≤ 32, and `value` < 2³². */
  write(value: number, count: number): void {
    let rest = value >>> 0;
    let left = count;
    while (left > 0) {
      const take = Math.min(8 - this.pendingBits, left);
      this.pending |= (rest & ((1 << take) - 1)) << this.pendingBits;
      this.pendingBits += take;
      rest >>>= take;
      left -= take;
      if (this.pendingBits === 8) this.flushByte();
    }
  }

  /** Writes `value` as that many ones and a zero. */
  writeUnary(value: number): void {
    let left = value;
    for (; left >= 16; left -= 16) this.write(0xffff, 16);
    this.write((1 << left) - 1, left + 1);
  }

  /** The bytes so far, the last one filled with zeros. */
  finish(): Uint8Array {
    if (this.pendingBits > 0) this.flushByte();
    return this.bytes.slice(0, this.used);
  }

  private flushByte(): void {
    if (this.used === this.bytes.length) {
      const larger = new Uint8Array(this.bytes.length * 2);
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.bytes[this.used++] = this.pending;
    this.pending = 0;
    this.pendingBits = 0;
  }
}
