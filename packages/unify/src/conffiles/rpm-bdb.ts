import { DatabaseFault } from "./database-fault.ts";
import type { GuestFile } from "./guest-file.ts";
import { largestHeader } from "./rpm-header.ts";

// Berkeley DB's src/dbinc/db_page.h, for the hash method. Numbers are in the byte order of the machine that made the file.
const hashMagic = 0x061561;
/** 8 is Berkeley DB 4.2, 9 is 4.3 to 18: the same pages, another hash function, which a full read does not need. */
const supportedVersions = new Set([8, 9, 10]);
const metaBytes = 72;
const pageHeadBytes = 26;
const pageType = { hashUnsorted: 2, overflow: 7, hash: 13 } as const;
const itemType = { keyData: 1, offPage: 3 } as const;
const offPageItemBytes = 12;

/** rpm keeps, under key 0, the next free number: 4 bytes, no header. */
const smallestHeader = 8;

interface Pages {
  readonly file: GuestFile;
  readonly bytes: number;
  readonly little: boolean;
  /** How many bytes may still be read: pages belong to one chain each, so all chains together are no larger than the file. */
  unread: number;
}

/** Package headers of a Berkeley DB hash (`Packages`; RHEL and CentOS up to 8), in the order of its pages. Never writes, takes no lock. */
export function* bdbHeaders(file: GuestFile): Generator<Buffer> {
  const pages = readMeta(file);
  const u16 = (page: Buffer, at: number) => (pages.little ? page.readUInt16LE(at) : page.readUInt16BE(at));
  for (let number = 1; number * pages.bytes < file.size; number++) {
    const page = Buffer.from(file.read(number * pages.bytes, pages.bytes));
    if (page.length < pages.bytes) throw new DatabaseFault("corrupt", "ends within a page");
    const kind = page[25];
    if (kind !== pageType.hash && kind !== pageType.hashUnsorted) continue;
    const items = u16(page, 20);
    if (pageHeadBytes + items * 2 > page.length) throw new DatabaseFault("corrupt", `has more items on page ${number} than fit`);
    let end = page.length;
    for (let item = 0; item < items; item++) {
      const start = u16(page, pageHeadBytes + item * 2);
      if (start < pageHeadBytes || start >= end) throw new DatabaseFault("corrupt", `has items of page ${number} lying over each other`);
      // Keys and data take turns.
      const header = item % 2 === 1 ? readItem(pages, page.subarray(start, end)) : undefined;
      if (header !== undefined) yield header;
      end = start;
    }
  }
}

function readMeta(file: GuestFile): Pages {
  const meta = file.read(0, metaBytes);
  if (meta.length < metaBytes) throw new DatabaseFault("corrupt", "is shorter than a Berkeley DB's first page");
  const little = meta.readUInt32LE(12) === hashMagic;
  if (!little && meta.readUInt32BE(12) !== hashMagic) throw new DatabaseFault("corrupt", "is not a Berkeley DB hash");
  const u32 = (at: number) => (little ? meta.readUInt32LE(at) : meta.readUInt32BE(at));
  const version = u32(16);
  if (!supportedVersions.has(version)) throw new DatabaseFault("unsupported", `is a Berkeley DB hash of version ${version}`);
  const bytes = u32(20);
  if (bytes < 512 || bytes > 65_536 || (bytes & (bytes - 1)) !== 0) throw new DatabaseFault("corrupt", `claims pages of ${bytes} bytes`);
  const [encryption, metaFlags] = [meta[24], meta[26]];
  // Both make page headers longer; rpm uses neither.
  if (encryption !== 0 || metaFlags !== 0) throw new DatabaseFault("unsupported", "is a Berkeley DB with encryption, checksums or partitions");
  return { file, bytes, little, unread: file.size };
}

/** The value of one item, where it can be a header. */
function readItem(pages: Pages, item: Buffer): Buffer | undefined {
  if (item[0] === itemType.keyData) return item.length - 1 >= smallestHeader ? item.subarray(1) : undefined;
  if (item[0] !== itemType.offPage) throw new DatabaseFault("unsupported", "holds duplicate keys, as rpm's Packages never does");
  if (item.length < offPageItemBytes) throw new DatabaseFault("corrupt", "has an item cut short");
  const u32 = (buffer: Buffer, at: number) => (pages.little ? buffer.readUInt32LE(at) : buffer.readUInt32BE(at));
  const length = u32(item, 8);
  pages.unread -= length;
  if (pages.unread < 0 || length > largestHeader) throw new DatabaseFault("corrupt", "claims more data than it has bytes");
  const value = Buffer.alloc(length);
  let filled = 0;
  for (let number = u32(item, 4); filled < length; ) {
    const page = pages.file.read(number * pages.bytes, pages.bytes);
    if (number === 0 || page.length < pages.bytes || page[25] !== pageType.overflow) throw new DatabaseFault("corrupt", "has a broken chain of pages");
    const used = pages.little ? page.readUInt16LE(22) : page.readUInt16BE(22);
    if (used === 0 || pageHeadBytes + used > page.length || filled + used > length) throw new DatabaseFault("corrupt", "has a broken chain of pages");
    page.copy(value, filled, pageHeadBytes, pageHeadBytes + used);
    filled += used;
    number = u32(page, 16);
  }
  return value;
}
