import { closeSync, openSync, readSync, writeSync } from "node:fs";

/** A write or flush, as the kernel's dm-log-writes notes it. Bytes. */
export interface LoggedRequest {
  /** All that was written before it is on the medium. */
  readonly isFlush: boolean;
  /** It was on the medium itself when it was done. */
  readonly isDurable: boolean;
  readonly isDiscard: boolean;
  readonly offset: number;
  readonly length: number;
  /** Where in the log its data is. */
  readonly dataAt: number;
}

/** Of the format (drivers/md/dm-log-writes.c of Linux): numbers are little-endian, and everything begins at a sector. */
const magic = 0x6a736677736872n;
const flags = { flush: 1n, fua: 2n, discard: 4n } as const;

/** The requests of a log, in their order. @throws Error for a file that is no such log */
export function readWriteLog(path: string): LoggedRequest[] {
  const fd = openSync(path, "r");
  try {
    const head = Buffer.alloc(32);
    const read = (at: number) => {
      readSync(fd, head, 0, head.length, at);
      return head;
    };
    if (read(0).readBigUInt64LE(0) !== magic) throw new Error(`${path}: is no log of writes`);
    const count = Number(head.readBigUInt64LE(16));
    const sector = head.readUInt32LE(24);
    const requests: LoggedRequest[] = [];
    for (let at = sector; requests.length < count; ) {
      read(at);
      const flag = head.readBigUInt64LE(16);
      const length = Number(head.readBigUInt64LE(8)) * sector;
      const isDiscard = (flag & flags.discard) !== 0n;
      requests.push({
        isFlush: (flag & flags.flush) !== 0n,
        isDurable: (flag & flags.fua) !== 0n,
        isDiscard,
        offset: Number(head.readBigUInt64LE(0)) * sector,
        length,
        dataAt: at + sector,
      });
      at += sector + (isDiscard ? 0 : length);
    }
    return requests;
  } finally {
    closeSync(fd);
  }
}

/** Does requests again on an image. A discarded range keeps what it had: a disk may do so. */
export function replay(log: string, requests: Iterable<LoggedRequest>, image: string): void {
  const from = openSync(log, "r");
  const to = openSync(image, "r+");
  try {
    for (const { isDiscard, offset, length, dataAt } of requests) {
      if (isDiscard || length === 0) continue;
      const data = Buffer.allocUnsafe(length);
      readSync(from, data, 0, length, dataAt);
      writeSync(to, data, 0, length, offset);
    }
  } finally {
    closeSync(from);
    closeSync(to);
  }
}
