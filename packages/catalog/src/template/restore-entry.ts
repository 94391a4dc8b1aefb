import { createHash } from "node:crypto";
import { closeSync, constants, fchmodSync, fchownSync, fsyncSync, futimesSync, openSync, renameSync, unlinkSync, writeSync } from "node:fs";
import { openBelow, setAttribute } from "@samepage/linux";
import { CatalogError } from "../catalog-error.ts";
import type { TreeEntry } from "./tree-entry.ts";

/** A template's file, whole and durable beside the name it will take. */
export interface StagedEntry extends Disposable {
  /** Puts it in place: one rename, durable when this returns. */
  commit(): void;
}

/** Where the bytes of a file come from. */
export interface EntryContent {
  readonly bytes: AsyncIterable<Buffer>;
  /** Seconds since the epoch, for the file that is written; files of other times are not unified unless told so. Asked for once the bytes were read. */
  readonly mtime?: () => number | undefined;
}

/**
 * Puts a template's file back at its path: written beside, verified, given its owner, mode and
 * attributes, made durable, then renamed over whatever was there. The name is never missing, and
 * bytes that do not have the entry's digest never appear under it. A shared inode that stood there
 * stays what it is for everybody else.
 * @param root open directory of the guest; its directories are never left, whatever they become meanwhile
 * @throws CatalogError `restore-unsupported` for anything but a file, `restore-digest` when the bytes
 *   are others; LinuxError and errors of the file system, the guest unchanged
 */
export async function restoreEntry(root: number, entry: TreeEntry, content: EntryContent): Promise<void> {
  using staged = await stageEntry(root, entry, content);
  staged.commit();
}

/**
 * The first half of restoreEntry, for files that are to be switched together. Disposing of it without a commit leaves
 * nothing behind; what a killed run left beside the name is replaced by the next one.
 * @throws as restoreEntry
 */
export async function stageEntry(root: number, entry: TreeEntry, content: EntryContent): Promise<StagedEntry> {
  const { path, digest } = entry;
  if (entry.type !== "file" || digest === undefined) throw new CatalogError("restore-unsupported", `${path.toString()} is a ${entry.type}`, { hint: "only files are restored" });
  const slash = path.lastIndexOf("/");
  const directory = openBelow(root, path.subarray(0, Math.max(0, slash)), constants.O_RDONLY | constants.O_DIRECTORY);
  // The descriptor pins the directory; a path through it cannot lead elsewhere.
  const within = (name: Buffer) => Buffer.concat([Buffer.from(`/proc/self/fd/${directory}/`), name]);
  // Always the same for a name, so that what a killed run left is found again.
  const temporary = within(Buffer.from(`.samepage-restore-${createHash("sha256").update(path).digest("hex").slice(0, 24)}`));
  try {
    removeIfThere(temporary);
    const fd = openSync(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    try {
      await writeVerified(fd, path, entry.size, digest, content.bytes);
      fchownSync(fd, entry.uid, entry.gid);
      fchmodSync(fd, entry.mode);
      // After chown, which drops file capabilities.
      for (const { name, value } of entry.attributes) setAttribute(fd, name, value);
      const mtime = content.mtime?.();
      if (mtime !== undefined) futimesSync(fd, mtime, mtime);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    removeIfThere(temporary);
    closeSync(directory);
    throw error;
  }
  return {
    commit: () => {
      renameSync(temporary, within(path.subarray(slash + 1)));
      fsyncSync(directory);
    },
    [Symbol.dispose]: () => {
      removeIfThere(temporary);
      closeSync(directory);
    },
  };
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
