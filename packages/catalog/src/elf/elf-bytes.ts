import { CatalogError } from "../catalog-error.ts";

/**
 * Bytes a reader may touch per byte of file before it gives up. Real prelinked libraries with full
 * DWARF cost less than 8; a file above this was built so that its structures overlap (a thousand
 * units sharing one abbreviation table, copy relocations that each span the file).
 */
const touchesPerByte = 32;

/** Allowance for small files, whose fixed-size headers are read whatever their length. */
const freeTouches = 64 * 1024;

/** Counts bytes touched and refuses the file when the count stops being linear in its size. */
export class TouchMeter {
  touched = 0;
  readonly limit: number;

  /** @param fileSize bytes in the file being read. */
  constructor(fileSize: number) {
    this.limit = freeTouches + touchesPerByte * fileSize;
  }

  /** @throws CatalogError `elf-too-costly` before more than the linear allowance is touched. */
  spend(bytes: number): void {
    if (this.touched + bytes > this.limit) {
      throw new CatalogError("elf-too-costly", `its structures overlap: more than ${this.limit} bytes to touch`, {
        hint: "the file was built to waste time; it is treated as an ordinary file",
      });
    }
    this.touched += bytes;
  }
}

/**
 * Little-endian access to (part of) an ELF file, every access checked against its bounds and
 * metered. A "word" is an address-sized field: 4 bytes in ELF32, 8 in ELF64.
 */
export class ElfBytes {
  readonly buffer: Buffer;
  readonly is64: boolean;
  readonly meter: TouchMeter;

  constructor(buffer: Buffer, is64: boolean, meter: TouchMeter) {
    this.buffer = buffer;
    this.is64 = is64;
    this.meter = meter;
  }

  get length(): number {
    return this.buffer.length;
  }

  /** Bytes in a word. */
  get wordSize(): 4 | 8 {
    return this.is64 ? 8 : 4;
  }

  private check(offset: number, size: number): void {
    if (offset < 0 || offset + size > this.buffer.length) {
      throw new CatalogError("elf-malformed", `${size} bytes at offset ${offset} lie outside the ${this.buffer.length} there are`);
    }
    this.meter.spend(size);
  }

  u8(offset: number): number {
    this.check(offset, 1);
    return this.buffer.readUInt8(offset);
  }

  u16(offset: number): number {
    this.check(offset, 2);
    return this.buffer.readUInt16LE(offset);
  }

  u32(offset: number): number {
    this.check(offset, 4);
    return this.buffer.readUInt32LE(offset);
  }

  /** An unsigned word; always a bigint, for ELF64 addresses exceed what a double holds. */
  word(offset: number): bigint {
    this.check(offset, this.wordSize);
    return this.is64 ? this.buffer.readBigUInt64LE(offset) : BigInt(this.buffer.readUInt32LE(offset));
  }

  /** A word that is an offset, a size or a count: exact as a number or the file is refused. */
  count(offset: number): number {
    const value = this.word(offset);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw new CatalogError("elf-malformed", `size or offset ${value} at ${offset} exceeds any file`);
    }
    return Number(value);
  }

  /** A view, not a copy. */
  slice(offset: number, size: number): Buffer {
    this.check(offset, size);
    return this.buffer.subarray(offset, offset + size);
  }

  setU16(offset: number, value: number): void {
    this.check(offset, 2);
    this.buffer.writeUInt16LE(value, offset);
  }

  setU32(offset: number, value: number): void {
    this.check(offset, 4);
    this.buffer.writeUInt32LE(value >>> 0, offset);
  }

  /** Writes a word, wrapped to the class's width as the linker and prelink wrap it. */
  setWord(offset: number, value: bigint): void {
    this.check(offset, this.wordSize);
    if (this.is64) this.buffer.writeBigUInt64LE(BigInt.asUintN(64, value), offset);
    else this.buffer.writeUInt32LE(Number(BigInt.asUintN(32, value)), offset);
  }

  /** Zeroes `size` bytes. */
  clear(offset: number, size: number): void {
    this.check(offset, size);
    this.buffer.fill(0, offset, offset + size);
  }
}
