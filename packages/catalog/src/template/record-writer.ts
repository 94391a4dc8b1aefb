/** Appends the fields of a record: variable-length numbers and length-prefixed bytes. */
export class RecordWriter {
  private readonly parts: Buffer[] = [];
  /** Bytes appended so far. */
  length = 0;

  /** Appends raw bytes. */
  raw(bytes: Buffer): void {
    this.parts.push(bytes);
    this.length += bytes.length;
  }

  /** An unsigned number below 2⁵³, 7 bits a byte, least significant first. */
  number(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    while (rest >= 128) {
      bytes.push((rest % 128) | 128);
      rest = Math.floor(rest / 128);
    }
    bytes.push(rest);
    this.raw(Buffer.from(bytes));
  }

  /** A length and the bytes. */
  bytes(value: Buffer): void {
    this.number(value.length);
    this.raw(value);
  }

  /** Everything appended. */
  finish(): Buffer {
    return Buffer.concat(this.parts, this.length);
  }
}
