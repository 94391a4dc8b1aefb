import { createHash } from "node:crypto";
import { CatalogError } from "../catalog-error.ts";
import { readBuildId } from "../elf/build-id.ts";
import { bufferSource } from "../elf/byte-source.ts";
import { readElf } from "../elf/read-elf.ts";
import type { ElfObject } from "../elf/read-elf.ts";
import { moveToBaseZero } from "./move-to-base-zero.ts";
import { recognisePrelink } from "./recognise-prelink.ts";
import type { PrelinkState } from "./recognise-prelink.ts";
import { undoPrelink } from "./undo-prelink.ts";

/** What prelink did to one file, and what the file was before. */
export interface OriginalFinding {
  /** `other`: no x86 program or library, or so malformed that nothing can be said. */
  state: PrelinkState | "other";
  /** The GNU build-id in hex: groups the variants of one build, identifies nothing. */
  buildId: string | undefined;
  /**
   * SHA-256 in hex of the computed original, undefined where there is none. A candidate: believe it
   * only when a catalog or another file already has this digest, for what prelink does not keep
   * (bytes behind the section headers) cannot be missed from here.
   */
  originalDigest: string | undefined;
  /** The computed original itself. */
  original: Buffer | undefined;
  /** Why no original could be computed, in one line. */
  reason: string | undefined;
  /** Bytes read or written on the way; never more than linear in the file. */
  touched: number;
}

/**
 * Recognises a prelinked (or moved) object and computes what it was before. Hostile content costs
 * linear time and ends as a reason, never as an exception.
 * @param content the whole file
 */
export function findOriginal(content: Buffer): OriginalFinding {
  const finding: OriginalFinding = {
    state: "other",
    buildId: undefined,
    originalDigest: undefined,
    original: undefined,
    reason: undefined,
    touched: 0,
  };
  let elf: ElfObject | undefined;
  try {
    const source = bufferSource(content);
    elf = readElf(source);
    if (elf === undefined) return finding;
    finding.buildId = readBuildId(source, elf)?.toString("hex");
    finding.state = recognisePrelink(source, elf);
    if (finding.state === "plain") return finding;
    finding.original = finding.state === "moved" ? moveToBaseZero(content, elf) : undoPrelink(content, elf);
    finding.originalDigest = createHash("sha256").update(finding.original).digest("hex");
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    finding.reason = error.hint === undefined ? error.message : `${error.message} (${error.hint})`;
  } finally {
    finding.touched = elf?.meter.touched ?? 0;
  }
  return finding;
}
