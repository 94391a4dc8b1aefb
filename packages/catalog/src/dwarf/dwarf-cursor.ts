import { CatalogError } from "../catalog-error.ts";
import type { ElfBytes } from "../elf/elf-bytes.ts";

/** A position in a debug section, with the variable-length encodings of DWARF 4 section 7.6. */
export class DwarfCursor {
  readonly bytes: ElfBytes;
  at: number;
  readonly end: number;

  /** @param end first byte behind what this cursor may read. */
  constructor(bytes: ElfBytes, at: number, end: number) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  skip(size: number): number {
    const from = this.at;
    if (size < 0 || from + size > this.end) throw new CatalogError("elf-malformed", `debug data runs past its end at ${from}`);
    this.bytes.meter.spend(1);
    this.at += size;
    return from;
  }

  u8(): number {
    return this.bytes.u8(this.skip(1));
  }

  u16(): number {
    return this.bytes.u16(this.skip(2));
  }

  u32(): number {
    return this.bytes.u32(this.skip(4));
  }

  /** An unsigned LEB128; values past 2⁵³ are refused, for nothing here counts so far. */
  uleb(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) throw new CatalogError("elf-malformed", `a number at ${this.at} exceeds any file`);
      if ((byte & 0x80) === 0) return value;
      scale *= 128;
    }
  }

  /** Passes over a LEB128 of either sign. */
  skipLeb(): void {
    while ((this.u8() & 0x80) !== 0);
  }

  /** Passes over a NUL-terminated string. */
  skipString(): void {
    while (this.u8() !== 0);
  }

  /** An initial length of 32-bit DWARF. @throws CatalogError for 64-bit DWARF, which prelink does not treat. */
  unitLength(): number {
    const length = this.u32();
    if (length >= 0xfffffff0) throw new CatalogError("elf-unsupported", "64-bit DWARF");
    return length;
  }
}
