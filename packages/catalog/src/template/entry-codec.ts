import { CatalogError } from "../catalog-error.ts";
import type { RecordReader } from "./record-reader.ts";
import type { RecordWriter } from "./record-writer.ts";
import type { EntryType, ExtendedAttribute, TreeEntry } from "./tree-entry.ts";

const types: readonly EntryType[] = ["file", "directory", "symlink", "fifo", "character", "block"];

/** Bits of the flag byte above the type's three. */
const flag = { conffile: 8, prelinked: 16, original: 32, buildId: 64, attributes: 128 } as const;


/**
 * Writes one entry; its path as what differs from the one before, for neighbours share directories.
 * @param before path of the entry before, empty at the first of a frame
 */
export function writeEntry(record: RecordWriter, entry: TreeEntry, before: Buffer): void {
  const shared = commonPrefix(before, entry.path);
  record.number(shared);
  record.bytes(entry.path.subarray(shared));
  record.number(
    types.indexOf(entry.type) |
      (entry.conffile ? flag.conffile : 0) |
      (entry.prelinked ? flag.prelinked : 0) |
      (entry.original === undefined ? 0 : flag.original) |
      (entry.buildId === undefined ? 0 : flag.buildId) |
      (entry.attributes.length === 0 ? 0 : flag.attributes),
  );
  for (const number of [entry.mode, entry.uid, entry.gid]) record.number(number);
  writeContent(record, entry);
  if (entry.original !== undefined) record.raw(entry.original);
  if (entry.buildId !== undefined) record.bytes(entry.buildId);
  if (entry.attributes.length > 0) writeAttributes(record, entry.attributes);
  record.bytes(Buffer.from(entry.package ?? ""));
}

/** Reads one entry. @throws CatalogError `template-corrupt`. */
export function readEntry(record: RecordReader, before: Buffer): TreeEntry {
  const shared = record.number();
  if (shared > before.length) throw new CatalogError("template-corrupt", "a path that builds on more than the one before");
  const path = Buffer.concat([before.subarray(0, shared), record.bytes()]);
  const flags = record.number();
  const type = types[flags & 7];
  if (type === undefined || flags > 255) throw new CatalogError("template-corrupt", `an entry of unknown type ${flags & 7}`);
  const mode = record.number();
  const uid = record.number();
  const gid = record.number();
  const entry: TreeEntry = {
    path, type, mode, uid, gid,
    ...readContent(record, type),
    attributes: [],
    conffile: (flags & flag.conffile) !== 0,
    prelinked: (flags & flag.prelinked) !== 0,
  }; // prettier-ignore
  if ((flags & flag.original) !== 0) entry.original = record.raw(32);
  if ((flags & flag.buildId) !== 0) entry.buildId = record.bytes();
  if ((flags & flag.attributes) !== 0) entry.attributes = readAttributes(record);
  const owner = record.bytes().toString();
  if (owner !== "") entry.package = owner;
  return entry;
}

function writeContent(record: RecordWriter, entry: TreeEntry): void {
  if (entry.type === "file") {
    if (entry.digest?.length !== 32) throw new CatalogError("template-corrupt", `file ${entry.path.toString()} has no SHA-256`);
    record.number(entry.size);
    record.raw(entry.digest);
  } else if (entry.type === "symlink") {
    record.bytes(entry.target ?? Buffer.alloc(0));
  } else if (entry.type === "character" || entry.type === "block") {
    record.number(entry.device ?? 0);
  }
}

function readContent(record: RecordReader, type: EntryType): Pick<TreeEntry, "size" | "digest" | "target" | "device"> {
  if (type === "file") return { size: record.number(), digest: record.raw(32) };
  if (type === "symlink") return { size: 0, target: record.bytes() };
  if (type === "character" || type === "block") return { size: 0, device: record.number() };
  return { size: 0 };
}

function writeAttributes(record: RecordWriter, attributes: readonly ExtendedAttribute[]): void {
  record.number(attributes.length);
  for (const { name, value } of attributes) {
    record.bytes(Buffer.from(name));
    record.bytes(value);
  }
}

function readAttributes(record: RecordReader): ExtendedAttribute[] {
  const count = record.number();
  const attributes: ExtendedAttribute[] = [];
  for (let i = 0; i < count; i++) attributes.push({ name: record.bytes().toString(), value: record.bytes() });
  return attributes;
}

function commonPrefix(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let shared = 0;
  while (shared < most && a[shared] === b[shared]) shared++;
  return shared;
}
