import { createHash } from "node:crypto";
import { zstdDecompressSync } from "node:zlib";
import { CatalogError } from "../catalog-error.ts";
import { readEntry } from "./entry-codec.ts";
import { frameHeaderBytes, largestFrame } from "./manifest-format.ts";
import { RecordReader } from "./record-reader.ts";
import type { TreeEntry } from "./tree-entry.ts";

/** A frame, checked against its own digest but not yet unpacked. */
interface Frame {
  entries: number;
  unpacked: number;
  digest: Buffer;
  body: Buffer;
  /** Byte behind it. */
  end: number;
}

/**
 * Reads a whole manifest, frame by frame: memory is that of one frame.
 * @param expectedName SHA-256 (hex) the manifest is known by; undefined accepts any that is whole
 * @throws CatalogError `template-corrupt` when it is cut off, damaged, out of order, or another one;
 *   entries before the damage have been yielded then
 */
export function* readManifest(bytes: Buffer, expectedName?: string): Generator<TreeEntry, void> {
  const names = createHash("sha256");
  let before = Buffer.alloc(0);
  let at = 0;
  for (let first = true; ; ) {
    const frame = readFrame(bytes, at);
    if (frame === undefined) throw corrupt(`it ends in mid-frame at byte ${at}`);
    at = frame.end;
    if (frame.entries === 0) return checkEnd(frame, bytes, names.digest("hex"), expectedName);
    names.update(frame.digest);
    for (const entry of unpack(frame)) {
      if (!first && Buffer.compare(before, entry.path) >= 0) throw corrupt(`${entry.path.toString()} is out of order`);
      before = Buffer.from(entry.path);
      first = false;
      yield entry;
    }
  }
}

/**
 * How much of a manifest that is still arriving is whole: where a resumed transfer goes on.
 * @returns bytes of whole frames, and whether the last of them ends the manifest
 */
export function wholeFrames(bytes: Buffer): { bytes: number; complete: boolean } {
  let at = 0;
  for (;;) {
    const frame = readFrame(bytes, at);
    if (frame === undefined) return { bytes: at, complete: false };
    at = frame.end;
    if (frame.entries === 0) return { bytes: at, complete: true };
  }
}

/** @returns undefined when the bytes end before the frame does. @throws CatalogError when it is damaged. */
function readFrame(bytes: Buffer, at: number): Frame | undefined {
  if (at + frameHeaderBytes > bytes.length) return undefined;
  const size = bytes.readUInt32LE(at);
  const unpacked = bytes.readUInt32LE(at + 4);
  if (size > largestFrame || unpacked > largestFrame) throw corrupt(`a frame of ${size} bytes, ${unpacked} unpacked`);
  const end = at + frameHeaderBytes + size;
  if (end > bytes.length) return undefined;
  const body = bytes.subarray(at + frameHeaderBytes, end);
  const digest = bytes.subarray(at + 12, at + frameHeaderBytes);
  const found = createHash("sha256").update(bytes.subarray(at, at + 12)).update(body).digest();
  if (!found.equals(digest)) throw corrupt(`the frame at byte ${at} does not have its digest`);
  return { entries: bytes.readUInt32LE(at + 8), unpacked, digest, body, end };
}

function* unpack(frame: Frame): Generator<TreeEntry> {
  const record = new RecordReader(decompress(frame));
  let before: Buffer = Buffer.alloc(0);
  for (let i = 0; i < frame.entries; i++) {
    const entry = readEntry(record, before);
    before = entry.path;
    yield entry;
  }
  if (!record.done) throw corrupt("a frame holds more than its entries");
}

function decompress(frame: Frame): Buffer {
  try {
    const raw = zstdDecompressSync(frame.body, { maxOutputLength: Math.max(1, frame.unpacked) });
    if (raw.length === frame.unpacked) return raw;
  } catch (cause) {
    throw new CatalogError("template-corrupt", "a frame does not unpack", { cause });
  }
  throw corrupt("a frame unpacks to another size than announced");
}

function checkEnd(frame: Frame, bytes: Buffer, name: string, expectedName: string | undefined): void {
  if (frame.end !== bytes.length) throw corrupt(`${bytes.length - frame.end} bytes follow its end`);
  if (frame.body.toString("hex") !== name) throw corrupt("its frames are not those its end was written for");
  if (expectedName !== undefined && expectedName !== name) throw corrupt(`it is ${name}, ${expectedName} was expected`);
}

function corrupt(message: string): CatalogError {
  return new CatalogError("template-corrupt", message, { hint: "fetch or publish it again; nothing was taken over from it" });
}
