import { constants } from "node:os";
import type { JobControl } from "./job-control.ts";
import { LinuxError } from "./linux-error.ts";
import { native } from "./native.ts";

/** One name below a directory, as lstat(2) and readlink(2) see it. */
export interface ListedName {
  /** Bytes below the listed directory, without a leading slash. */
  readonly path: Buffer;
  /** st_mode: type and permissions. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes. */
  readonly size: number;
  /** st_rdev of a device. */
  readonly device: number;
  /** Of a symbolic link. */
  readonly target: Buffer;
  /** errno's name when it could not be looked at. */
  readonly error: string | undefined;
}

/** What a file or directory holds. */
export interface Description {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes, when it was opened. */
  readonly size: number;
  /** SHA-256 of a file's content; zeros for a directory. */
  readonly digest: Buffer;
  /** Sorted by name; ACLs, labels and file capabilities are among them. */
  readonly attributes: readonly { readonly name: string; readonly value: Buffer }[];
  /** Begins with the ELF magic number. */
  readonly elf: boolean;
  /** Changed while it was read, so that the digest may be of no state it ever had. */
  readonly changed: boolean;
  /** errno's name when it could not be read; then the rest means nothing. */
  readonly error: string | undefined;
}

const elfFlag = 1;
const changedFlag = 2;
const listHeader = 40;
const describeHeader = 64;

/**
 * Lists everything below an open directory, in no order. Symbolic links, mount points and `..` are never followed,
 * whatever a guest does meanwhile; a mount point is listed as a directory without contents.
 * @throws LinuxError ECANCELED, ENOMEM
 */
export async function listBelow(root: number, control: JobControl): Promise<ListedName[]> {
  const bytes = await run(root, undefined, control);
  const names: ListedName[] = [];
  for (let at = 0; at < bytes.length; ) {
    const pathBytes = bytes.readUInt32LE(at + 32);
    const targetBytes = bytes.readUInt32LE(at + 36);
    const path = at + listHeader;
    names.push({
      error: errnoName(bytes.readUInt32LE(at)),
      mode: bytes.readUInt32LE(at + 4),
      uid: bytes.readUInt32LE(at + 8),
      gid: bytes.readUInt32LE(at + 12),
      size: Number(bytes.readBigUInt64LE(at + 16)),
      device: Number(bytes.readBigUInt64LE(at + 24)),
      path: bytes.subarray(path, path + pathBytes),
      target: bytes.subarray(path + pathBytes, path + pathBytes + targetBytes),
    });
    at = path + pathBytes + targetBytes;
  }
  return names;
}

/**
 * Reads files and directories below an open directory, one after the other on a thread of its own: several calls at
 * once use several processors. Nothing outside the directory is ever opened, nor anything that is no file or directory.
 * @returns a description for each path, in order
 * @throws LinuxError ECANCELED, ENOMEM
 */
export async function describeBelow(root: number, paths: readonly Buffer[], control: JobControl): Promise<Description[]> {
  if (paths.length === 0) return [];
  const end = Buffer.of(0);
  const bytes = await run(root, Buffer.concat(paths.flatMap((path) => [path, end])), control);
  let at = 0;
  return paths.map(() => {
    const flags = bytes.readUInt32LE(at + 4);
    const count = bytes.readUInt32LE(at + 28);
    const header = at;
    at += describeHeader;
    const attributes = Array.from({ length: count }, () => {
      const nameBytes = bytes.readUInt32LE(at);
      const valueBytes = bytes.readUInt32LE(at + 4);
      const name = at + 8;
      at = name + nameBytes + valueBytes;
      return { name: bytes.toString("utf8", name, name + nameBytes), value: bytes.subarray(name + nameBytes, at) };
    });
    return {
      error: errnoName(bytes.readUInt32LE(header)),
      size: Number(bytes.readBigUInt64LE(header + 8)),
      mode: bytes.readUInt32LE(header + 16),
      uid: bytes.readUInt32LE(header + 20),
      gid: bytes.readUInt32LE(header + 24),
      digest: bytes.subarray(header + 32, header + describeHeader),
      attributes,
      elf: (flags & elfFlag) !== 0,
      changed: (flags & changedFlag) !== 0,
    };
  });
}

async function run(root: number, paths: Buffer | undefined, control: JobControl): Promise<Buffer> {
  try {
    return Buffer.from(await native.describe({ control: control.buffer, root, paths }));
  } catch (error) {
    throw LinuxError.from(error);
  }
}

function errnoName(number: number): string | undefined {
  if (number === 0) return undefined;
  return Object.entries(constants.errno).find(([, value]) => value === number)?.[0] ?? `errno ${number}`;
}
