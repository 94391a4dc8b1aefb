import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { CatalogError } from "../catalog-error.ts";
import { fileSource } from "../elf/byte-source.ts";
import { readElf } from "../elf/read-elf.ts";
import { findOriginal } from "./find-original.ts";
import type { OriginalFinding } from "./find-original.ts";
import { recognisePrelink } from "./recognise-prelink.ts";

/** Undoing needs the file and its original in memory; no program or library comes near this size in bytes. */
const largestObject = 1024 ** 3;

/** One file's answer, as `samepage local prelink` prints it. */
export interface PrelinkOfFile {
  path: string;
  /** Whether prelink wrote this file. */
  prelinked: boolean;
  /** Whether it is a library that stands at a base address without any mark of prelink (`prelink -r`). */
  moved: boolean;
  /** SHA-256 in hex of what it was before; null when it was nothing else, or that cannot be computed. */
  originalDigest: string | null;
  /** Why there is no original, in one line. */
  reason?: string;
}

/**
 * Answers for one regular file. Only headers are read unless the file is prelinked.
 * @param path opened without following a final symbolic link
 * @throws CatalogError `not-a-file`, or the error of open(2) and read(2).
 */
export function prelinkOfFile(path: string): PrelinkOfFile {
  // O_NONBLOCK: opening a FIFO that nobody writes to must not hang.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new CatalogError("not-a-file", `${path} is not a regular file`);
    const finding = readFinding(fd, stat.size);
    return {
      path,
      prelinked: finding.state === "prelinked",
      moved: finding.state === "moved",
      originalDigest: finding.originalDigest ?? null,
      ...(finding.reason === undefined ? {} : { reason: finding.reason }),
    };
  } finally {
    closeSync(fd);
  }
}

function readFinding(fd: number, size: number): Pick<OriginalFinding, "state" | "originalDigest" | "reason"> {
  const source = fileSource(fd, size);
  let state: OriginalFinding["state"] = "other";
  try {
    const elf = readElf(source);
    if (elf !== undefined) state = recognisePrelink(source, elf);
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    return { state, originalDigest: undefined, reason: error.message };
  }
  if (state === "other" || state === "plain") return { state, originalDigest: undefined, reason: undefined };
  if (size > largestObject) return { state, originalDigest: undefined, reason: `larger than ${largestObject} bytes` };
  return findOriginal(source.read(0, size));
}
