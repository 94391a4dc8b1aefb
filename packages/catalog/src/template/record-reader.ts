import { CatalogError } from "../catalog-error.ts";

/** Reads what RecordWriter wrote; every read past the end is refused. */
export class RecordReader {
  private readonly buffer: Buffer;
  private at = 0;

  constructor(buffer: Buffer) {
    this.buffer = buffer;
  }

  get done(): boolean {
    return this.at >= this.buffer.length;
  }

  /** A view of the next `size` bytes. */
  raw(size: number): Buffer {
    if (this.at + size > this.buffer.length) throw new CatalogError("template-corrupt", `a record of the manifest is cut off at ${this.at}`);
    const bytes = this.buffer.subarray(this.at, this.at + size);
    this.at += size;
    return bytes;
  }

  number(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.raw(1)[0] ?? 0;
      value += (byte & 127) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new CatalogError("template-corrupt", "a number of the manifest exceeds 2^53");
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  bytes(): Buffer {
    return this.raw(this.number());
  }
}
