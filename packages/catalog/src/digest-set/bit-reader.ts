import { CatalogError } from "../catalog-error.ts";

/** Reads what BitWriter wrote; every read past the end is refused. */
export class BitReader {
  private readonly bytes: Uint8Array;
  private at = 0;
  private bit = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Reads `count` bits as an unsigned number; 0 ≤ count ≤ 32. */
  read(count: number): number {
    let value = 0;
    let have = 0;
    while (have < count) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw new CatalogError("segment-corrupt", "its coded lists end too early");
      const take = Math.min(8 - this.bit, count - have);
      value += ((byte >>> this.bit) & ((1 << take) - 1)) * 2 ** have;
      have += take;
      this.bit += take;
      if (this.bit === 8) {
        this.bit = 0;
        this.at++;
      }
    }
    return value;
  }

  /** Reads ones up to a zero and returns their number. */
  readUnary(): number {
    let value = 0;
    while (this.read(1) === 1) value++;
    return value;
  }

  /** Bytes not begun yet. */
  get remaining(): number {
    return this.bytes.length - this.at - (this.bit > 0 ? 1 : 0);
  }
}
