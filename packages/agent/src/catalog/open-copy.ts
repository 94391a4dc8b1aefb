import { closeSync, constants, fstatSync, readSync } from "node:fs";
import { LinuxError, openBelow } from "@samepage/linux";
import { AgentError } from "../agent-error.ts";
import { openRoot } from "./describe-tree.ts";

/** A file that may have the wanted content: its size fits, its digest is verified by whoever writes it. */
export interface Copy extends Disposable {
  /** Whose file it is, for reports. */
  readonly source: string;
  /** Nanoseconds since the epoch. */
  readonly mtimeNs: bigint;
  bytes(): AsyncIterable<Buffer>;
}

/** Bytes of one read, and of one part on the wire: half of what a message may have. */
const chunkBytes = 512 * 1024;

/**
 * Opens the file at a path of a tree, if it is a file of that size.
 * @param source whose it is
 * @param tree root directory on this host
 */
export function openCopy(source: string, tree: string, path: Buffer, size: number): Copy | undefined {
  let root = -1;
  let fd = -1;
  try {
    root = openRoot(tree);
    fd = openBelow(root, path, constants.O_RDONLY);
    const stat = fstatSync(fd, { bigint: true });
    if (!stat.isFile() || stat.size !== BigInt(size)) return undefined;
    const own = fd;
    fd = -1;
    return { source, mtimeNs: stat.mtimeNs, bytes: () => chunks(own), [Symbol.dispose]: () => closeSync(own) };
  } catch (error) {
    if (error instanceof LinuxError || error instanceof AgentError) return undefined;
    throw error;
  } finally {
    if (fd >= 0) closeSync(fd);
    if (root >= 0) closeSync(root);
  }
}

async function* chunks(fd: number): AsyncGenerator<Buffer> {
  for (let at = 0; ; ) {
    const buffer = Buffer.allocUnsafe(chunkBytes);
    const got = readSync(fd, buffer, 0, chunkBytes, at);
    if (got === 0) return;
    at += got;
    yield buffer.subarray(0, got);
    // Other work of the agent goes on between two reads.
    await new Promise((resolve) => setImmediate(resolve));
  }
}
