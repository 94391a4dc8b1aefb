import type { ByteSource } from "../elf/byte-source.ts";
import { ElfBytes } from "../elf/elf-bytes.ts";
import { DT, ET, PT, SHT } from "../elf/elf-constants.ts";
import { sectionIndex } from "../elf/read-elf.ts";
import type { ElfObject } from "../elf/read-elf.ts";
import { dynamicEntries } from "./dynamic-entries.ts";

/**
 * What prelink did to an object. `moved`: a library whose first segment is not at address 0 and
 * that bears no other mark, as `prelink -r` leaves it; some libraries are linked that way, so it
 * is a guess to be confirmed by a known digest.
 */
export type PrelinkState = "plain" | "prelinked" | "moved";

/** Sections that only prelink writes. */
const undoSection = ".gnu.prelink_undo";
const otherSections = [".gnu.liblist", ".gnu.conflict", ".gnu.libstr"];

/** Tags that only prelink writes; a program has no DT_GNU_PRELINKED. */
const tags = new Set<bigint>([DT.gnuPrelinked, DT.gnuLiblist, DT.gnuConflict].map(BigInt));

/** A dynamic section larger than this is not read for the mere question; no linker writes thousands of entries. */
const largestDynamic = 64 * 1024;

/** Recognises prelink's work by headers and dynamic tags alone; a few kB are read however large the file. */
export function recognisePrelink(source: ByteSource, elf: ElfObject): PrelinkState {
  if (sectionIndex(elf, undoSection) >= 0 || otherSections.some((name) => sectionIndex(elf, name) >= 0)) return "prelinked";
  if (hasPrelinkTag(source, elf)) return "prelinked";
  const first = elf.programs.find((program) => program.type === PT.load);
  return elf.header.type === ET.dyn && first !== undefined && first.vaddr !== 0n && first.offset === 0 ? "moved" : "plain";
}

function hasPrelinkTag(source: ByteSource, elf: ElfObject): boolean {
  const section = elf.sections.find((candidate) => candidate.type === SHT.dynamic);
  if (section === undefined || section.size > largestDynamic) return false;
  const bytes = new ElfBytes(source.read(section.offset, section.size), elf.is64, elf.meter);
  const local = { ...section, offset: 0, size: bytes.length };
  return dynamicEntries(bytes, [local]).some((entry) => tags.has(entry.tag));
}
