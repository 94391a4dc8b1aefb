import { DatabaseFault } from "./database-fault.ts";
import type { GuestFile } from "./guest-file.ts";
import { largestHeader } from "./rpm-header.ts";

// The layout of rpm's lib/backend/ndb/rpmpkg.c; all numbers are little-endian.
const fileMagic = Buffer.from("RpmP");
const slotMagic = Buffer.from("Slot");
const blobMagic = Buffer.from("BlbS");
const supportedVersion = 0;
const pageBytes = 4096;
const slotBytes = 16;
/** The file's header takes the place of the first two slots. */
const headerSlots = 2;
/** Blobs are addressed and counted in units of this many bytes. */
const blockBytes = 16;
const blobHeadBytes = 16;

/** Package headers of an ndb database (`Packages.db`; SUSE's default), in the order of its slots. */
export function* ndbHeaders(file: GuestFile): Generator<Buffer> {
  const head = file.read(0, headerSlots * slotBytes);
  if (head.length < headerSlots * slotBytes || !head.subarray(0, 4).equals(fileMagic)) throw new DatabaseFault("corrupt", "is not an ndb database");
  const version = head.readUInt32LE(4);
  if (version !== supportedVersion) throw new DatabaseFault("unsupported", `is an ndb database of version ${version}`);
  const slotsEnd = head.readUInt32LE(12) * pageBytes;
  if (slotsEnd > file.size) throw new DatabaseFault("corrupt", "claims more slots than it has bytes");
  let unread = file.size;
  for (let at = headerSlots * slotBytes; at < slotsEnd; at += slotBytes) {
    const slot = file.read(at, slotBytes);
    if (slot.length < slotBytes || !slot.subarray(0, 4).equals(slotMagic)) throw new DatabaseFault("corrupt", "has a slot that is none");
    const offset = slot.readUInt32LE(8) * blockBytes;
    if (offset === 0) continue;
    const number = slot.readUInt32LE(4);
    const room = slot.readUInt32LE(12) * blockBytes - blobHeadBytes;
    const blobHead = file.read(offset, blobHeadBytes);
    const length = blobHead.length === blobHeadBytes ? blobHead.readUInt32LE(12) : 0;
    if (!blobHead.subarray(0, 4).equals(blobMagic) || blobHead.readUInt32LE(4) !== number || length > room || length > largestHeader) {
      throw new DatabaseFault("corrupt", `has no whole package behind slot ${at / slotBytes}`);
    }
    // Slots own their blobs alone, so together they are no larger than the file.
    unread -= length;
    const blob = unread < 0 ? Buffer.alloc(0) : file.read(offset + blobHeadBytes, length);
    if (blob.length !== length) throw new DatabaseFault("corrupt", "claims more packages than it has bytes");
    yield blob;
  }
}
