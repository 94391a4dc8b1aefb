import { readSync } from "node:fs";

/** Where an ELF file's bytes come from: a buffer, or a descriptor read piece by piece. */
export interface ByteSource {
  /** Bytes in all. */
  readonly size: number;
  /** The bytes of [offset, offset+length) that exist; shorter at the end of the file. */
  read(offset: number, length: number): Buffer;
}

/** A source over bytes in memory; `read` returns views. */
export function bufferSource(buffer: Buffer): ByteSource {
  return { size: buffer.length, read: (offset, length) => buffer.subarray(offset, Math.min(buffer.length, offset + length)) };
}

/**
 * A source over an open descriptor, for recognising a file by its headers without reading it whole.
 * A file that shrinks meanwhile gives short reads, which the reader refuses as malformed.
 */
export function fileSource(fd: number, size: number): ByteSource {
  return {
    size,
    read(offset, length) {
      const want = Math.max(0, Math.min(length, size - offset));
      const buffer = Buffer.allocUnsafe(want);
      let got = 0;
      while (got < want) {
        const n = readSync(fd, buffer, got, want - got, offset + got);
        if (n === 0) break;
        got += n;
      }
      return buffer.subarray(0, got);
    },
  };
}
