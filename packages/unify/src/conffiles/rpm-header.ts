import { DatabaseFault } from "./database-fault.ts";

/** Bytes. The largest in Fedora (a kernel's debug information) is about 20 MB; rpm itself stops at 256 MB. */
export const largestHeader = 64 * 1024 * 1024;
/** rpm's own limit on index entries (HEADER_TAGS_MAX in lib/header.c). */
const mostEntries = 0xffff;
const entryBytes = 16;
/** Files of one package: the largest in Fedora have about 100,000. */
const mostFiles = 1_000_000;

/** Tags and types of rpm's header (include/rpm/rpmtag.h). */
const tag = { oldFilenames: 1027, fileFlags: 1037, dirIndexes: 1116, basenames: 1117, dirnames: 1118 } as const;
const type = { int32: 4, string: 6, stringArray: 8 } as const;

/** RPMFILE_CONFIG in include/rpm/rpmfiles.h: what the spec file calls %config, with or without noreplace. */
const configFlag = 1;

interface Entry {
  readonly type: number;
  readonly offset: number;
  readonly count: number;
}

/**
 * The files a package marks as configuration, from its header as the database keeps it: two big-endian counts, the
 * index of 16-byte entries, then the data (the format of a package file without its 8 bytes of magic).
 * Paths are bytes as latin1.
 * @throws DatabaseFault `corrupt` when the header contradicts itself
 */
export function* configFiles(header: Buffer): Generator<string> {
  const { index, data } = readIndex(header);
  const flags = numbers(index.get(tag.fileFlags), data);
  if (flags.length === 0) return;
  const basenames = index.get(tag.basenames);
  if (basenames === undefined) {
    // Before 1999's rpm 3.0.3, full paths; rpm still reads them.
    yield* flagged(strings(index.get(tag.oldFilenames), data), flags);
    return;
  }
  const directories = [...strings(index.get(tag.dirnames), data)];
  const directoryOf = numbers(index.get(tag.dirIndexes), data);
  let file = 0;
  for (const name of strings(basenames, data)) {
    const directory = directories[directoryOf[file] ?? -1];
    if (isConfig(flags[file])) {
      if (directory === undefined) throw new DatabaseFault("corrupt", "a package's file is in no directory");
      yield directory + name;
    }
    file++;
  }
}

function* flagged(names: Iterable<string>, flags: readonly number[]): Generator<string> {
  let file = 0;
  for (const name of names) {
    if (isConfig(flags[file])) yield name;
    file++;
  }
}

function isConfig(flags = 0): boolean {
  return (flags & configFlag) !== 0;
}

function readIndex(header: Buffer): { index: Map<number, Entry>; data: Buffer } {
  if (header.length < 8) throw new DatabaseFault("corrupt", "a package header is cut short");
  const entries = header.readUInt32BE(0);
  const dataBytes = header.readUInt32BE(4);
  const dataFrom = 8 + entries * entryBytes;
  if (entries > mostEntries || dataFrom + dataBytes > header.length) {
    throw new DatabaseFault("corrupt", `a package header claims ${entries} entries and ${dataBytes} bytes in ${header.length}`);
  }
  const wanted = new Set<number>(Object.values(tag));
  const index = new Map<number, Entry>();
  for (let at = 8; at < dataFrom; at += entryBytes) {
    const number = header.readUInt32BE(at);
    if (!wanted.has(number)) continue;
    index.set(number, { type: header.readUInt32BE(at + 4), offset: header.readUInt32BE(at + 8), count: header.readUInt32BE(at + 12) });
  }
  return { index, data: header.subarray(dataFrom, dataFrom + dataBytes) };
}

/** What a header says of its files is kept in memory as a list each. */
function refuseTooMany({ count }: Entry): void {
  if (count > mostFiles) throw new DatabaseFault("corrupt", `a package header claims ${count} files`);
}

function numbers(entry: Entry | undefined, data: Buffer): readonly number[] {
  if (entry === undefined) return [];
  refuseTooMany(entry);
  if (entry.type !== type.int32 || entry.offset + entry.count * 4 > data.length) {
    throw new DatabaseFault("corrupt", "a package header's numbers lie outside it");
  }
  return Array.from({ length: entry.count }, (_, at) => data.readUInt32BE(entry.offset + at * 4));
}

/** Each ends in a NUL, so a count above the data's length runs out of data, not of memory. */
function* strings(entry: Entry | undefined, data: Buffer): Generator<string> {
  if (entry === undefined) return;
  refuseTooMany(entry);
  if (entry.type !== type.stringArray && entry.type !== type.string) throw new DatabaseFault("corrupt", "a package header's names are not text");
  let from = entry.offset;
  for (let left = entry.count; left > 0; left--) {
    const end = from < data.length ? data.indexOf(0, from) : -1;
    if (end === -1) throw new DatabaseFault("corrupt", "a package header's names lie outside it");
    yield data.toString("latin1", from, end);
    from = end + 1;
  }
}
