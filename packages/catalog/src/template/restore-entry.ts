import { createHash, randomBytes } from "node:crypto";
import { closeSync, constants, fchmodSync, fchownSync, fsyncSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { openBelow, setAttribute } from "@samepage/linux";
import { CatalogError } from "../catalog-error.ts";
import type { TreeEntry } from "./tree-entry.ts";

/**
 * Puts a template's file back at its path: written beside, verified, given its owner, mode and
 * attributes, made durable, then renamed over whatever was there. The name is never missing, and
 * bytes that do not have the entry's digest never appear under it. A shared inode that stood there
 * stays what it is for everybody else.
 * @param root open directory of the guest; its directories are never left, whatever they become meanwhile
 * @param content the bytes, from anywhere
 * @throws CatalogError `restore-unsupported` for anything but a file, `restore-digest` when the bytes
 *   are others; LinuxError and errors of the file system, the guest unchanged
 */
export async function restoreEntry(root: number, entry: TreeEntry, content: AsyncIterable<Buffer>): Promise<void> {
  const { path, digest, size } = entry;
  if (entry.type !== "file" || digest === undefined) throw new CatalogError("restore-unsupported", `${path.toString()} is a ${entry.type}`, { hint: "only files are restored" });
  const slash = path.lastIndexOf("/");
  const directory = openBelow(root, path.subarray(0, Math.max(0, slash)), constants.O_RDONLY | constants.O_DIRECTORY);
  // The descriptor pins the directory; a path through it cannot lead elsewhere.
  const within = (name: Buffer) => Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
  const temporary = within(Buffer.from(`.samepage-${randomBytes(12).toString("hex")}`));
  try {
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    try {
      await writeVerified(fd, path, size, digest, content);
      fchownSync(fd, entry.uid, entry.gid);
      fchmodSync(fd, entry.mode);
      // After chown, which drops file capabilities.
      for (const { name, value } of entry.attributes) setAttribute(fd, name, value);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, within(path.subarray(slash + 1)));
    fsyncSync(directory);
  } catch (error) {
    removeIfThere(temporary);
    throw error;
  } finally {
    closeSync(directory);
  }
}

async function writeVerified(fd: number, path: Buffer, size: number, digest: Buffer, content: AsyncIterable<Buffer>): Promise<void> {
  const hash = createHash("sha256");
  let left = size;
  for await (const chunk of content) {
    left -= chunk.length;
    if (left < 0) break;
    hash.update(chunk);
    for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at);
  }
  if (left !== 0 || !hash.digest().equals(digest)) {
    throw new CatalogError("restore-digest", `the bytes offered for ${path.toString()} are not the template's`, { hint: "the copy they come from has changed; nothing was replaced" });
  }
}

function removeIfThere(path: Buffer): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
}
