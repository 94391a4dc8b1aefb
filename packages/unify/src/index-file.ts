import { closeSync, constants, openSync, readFileSync, renameSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { makeDirectory } from "./make-directory.ts";

/** Names the layout of the records too: another layout is another name, and an index is only a cache. */
const magic = "samepage index 3";
const headerBytes = 64;
const recordBytes = 64;

/**
 * What earlier runs know of files' content: flat records of 64 bytes, sorted by device and inode, with a checksum. One that
 * is missing, damaged or of another version costs reading the files again, nothing else.
 * @returns the records, or undefined
 */
export function readIndex(stateDir: string): ArrayBuffer | undefined {
  try {
    const file = readFileSync(join(stateDir, "index"));
    const records = file.subarray(headerBytes);
    if (file.toString("latin1", 0, magic.length) !== magic || records.length % recordBytes !== 0) return undefined;
    if (file.readUInt32LE(magic.length) !== crc32(records)) return undefined;
    return new Uint8Array(records).buffer;
  } catch {
    return undefined; // None yet, or not readable: the files are read instead.
  }
}

/**
 * Replaces the index in one step. Failing to is no failure of the run: the next one reads more. Nothing waits for the disk:
 * after a power cut the file may be short, which its checksum tells.
 * @returns whether it was written
 */
export function writeIndex(stateDir: string, records: ArrayBuffer): boolean {
  const path = join(stateDir, "index");
  const next = `${path}.${process.pid}`;
  try {
    makeDirectory(stateDir);
    const header = Buffer.alloc(headerBytes);
    header.write(magic, "latin1");
    header.writeUInt32LE(crc32(new Uint8Array(records)), magic.length);
    const fd = openSync(next, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW, 0o600);
    try {
      writeAll(fd, header);
      writeAll(fd, new Uint8Array(records));
    } finally {
      closeSync(fd);
    }
    renameSync(next, path);
    return true;
  } catch {
    removeQuietly(next);
    return false;
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // There is no such directory: nothing was written.
  }
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
