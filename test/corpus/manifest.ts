import { createHash } from "node:crypto";
import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { readAttributes } from "./read-attributes.ts";

/** Everything about one name that a guest could notice, and that unifying must therefore leave as it was. */
export interface ManifestEntry {
  readonly type: "file" | "directory" | "symlink" | "fifo" | "socket" | "block" | "character";
  /** Permission bits with setuid, setgid and sticky. */
  readonly mode: number;
  readonly uid: bigint;
  readonly gid: bigint;
  /** Bytes; 0 for directories, whose size is the file system's own business. */
  readonly size: bigint;
  readonly mtimeNs: bigint;
  /** Device number of a device node, else 0. */
  readonly rdev: bigint;
  /** Extended attributes by name, values in hexadecimal: ACLs and file capabilities among them. */
  readonly attributes: ReadonlyMap<string, string>;
  /** The first (in byte order) of the guest's own names of the same inode: which of its files are hard links of each other. */
  readonly linkedWith: string;
  /** SHA-256 of a file's content, in hexadecimal; a symlink's target; else empty. */
  readonly content: string;
}

/** By path from the root (`.` is the root itself), bytes as latin1 characters. */
export type Manifest = ReadonlyMap<string, ManifestEntry>;

const blockSize = 4 * 1024 * 1024;

/**
 * Reads a guest completely. Uses only the system's own tools and calls, none of the code it is there to judge.
 * Symbolic links are not followed. Throws when anything in the tree cannot be read.
 */
export async function manifest(root: string): Promise<Manifest> {
  const attributes = await readAttributes(root);
  const buffer = Buffer.allocUnsafe(blockSize);
  const digests = new Map<string, string>();
  const firstNames = new Map<string, string>();
  const entries = new Map<string, ManifestEntry>();
  const visit = (path: string) => {
    const absolute = Buffer.from(path === "." ? root : `${Buffer.from(root).toString("latin1")}/${path}`, path === "." ? "utf8" : "latin1");
    const stats = lstatSync(absolute, { bigint: true });
    const inode = `${stats.dev}:${stats.ino}`;
    const type = typeOf(stats);
    if (!firstNames.has(inode)) firstNames.set(inode, path);
    entries.set(path, {
      type,
      mode: Number(stats.mode) & 0o7777,
      uid: stats.uid,
      gid: stats.gid,
      size: type === "directory" ? 0n : stats.size,
      mtimeNs: stats.mtimeNs,
      rdev: type === "block" || type === "character" ? stats.rdev : 0n,
      attributes: attributes.get(path) ?? new Map(),
      linkedWith: firstNames.get(inode) ?? path,
      content: contentOf(type, absolute, inode, digests, buffer),
    });
    if (type !== "directory") return;
    const names = readdirSync(absolute, { encoding: "latin1" }).sort();
    for (const name of names) visit(path === "." ? name : `${path}/${name}`);
  };
  visit(".");
  return entries;
}

function contentOf(type: ManifestEntry["type"], path: Buffer, inode: string, digests: Map<string, string>, buffer: Buffer): string {
  if (type === "symlink") return readlinkSync(path, { encoding: "latin1" });
  if (type !== "file") return "";
  const known = digests.get(inode);
  if (known !== undefined) return known;
  const digest = sha256(path, buffer);
  digests.set(inode, digest);
  return digest;
}

function sha256(path: Buffer, buffer: Buffer): string {
  const hash = createHash("sha256");
  const fd = openSync(path, "r");
  try {
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) hash.update(buffer.subarray(0, read));
  } finally {
    closeSync(fd);
  }
  return hash.digest("hex");
}

function typeOf(stats: BigIntStats): ManifestEntry["type"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "directory";
  if (stats.isSymbolicLink()) return "symlink";
  if (stats.isFIFO()) return "fifo";
  if (stats.isSocket()) return "socket";
  return stats.isBlockDevice() ? "block" : "character";
}
