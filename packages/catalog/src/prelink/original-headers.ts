import { CatalogError } from "../catalog-error.ts";
import { ElfBytes } from "../elf/elf-bytes.ts";
import { SHT } from "../elf/elf-constants.ts";
import { headerSizes, readElfHeader, readProgramHeader, readSectionHeader } from "../elf/elf-headers.ts";
import type { ElfHeader, ProgramHeader, SectionHeader } from "../elf/elf-headers.ts";
import { sectionIndex } from "../elf/read-elf.ts";
import type { ElfObject } from "../elf/read-elf.ts";

/** The headers a file had before it was prelinked, with their bytes as they stood in the file. */
export interface OriginalHeaders {
  header: ElfHeader;
  programs: ProgramHeader[];
  /** Index 0 is the null section, which the undo section leaves out. */
  sections: SectionHeader[];
  headerBytes: Buffer;
  programBytes: Buffer;
  /** Section headers 1..n−1; header 0 is zeros. */
  sectionBytes: Buffer;
  /** Bytes in the original file. */
  fileSize: number;
}

const nullSection: SectionHeader = { name: 0, type: 0, flags: 0, addr: 0n, offset: 0, size: 0, link: 0, info: 0, entsize: 0 };

/**
 * Reads `.gnu.prelink_undo`: the original ELF header, all program headers and section headers 1..n−1.
 * @throws CatalogError `prelink-undo-missing` without that section, `prelink-undo-mismatch` when its
 *   size or the layout it describes cannot belong to this file.
 */
export function readUndoSection(file: ElfBytes, elf: ElfObject): OriginalHeaders {
  const section = elf.sections[sectionIndex(elf, ".gnu.prelink_undo")];
  if (section === undefined) {
    throw new CatalogError("prelink-undo-missing", "the section .gnu.prelink_undo is gone", {
      hint: "reinstall the package: the original cannot be computed",
    });
  }
  const bytes = new ElfBytes(file.slice(section.offset, section.size), elf.is64, elf.meter);
  const header = readElfHeader(bytes);
  const sizes = headerSizes(elf.is64);
  const sectionsAt = sizes.ehdr + header.phnum * sizes.phdr;
  if (header.shnum < 1 || bytes.length !== sectionsAt + (header.shnum - 1) * sizes.shdr) {
    throw new CatalogError("prelink-undo-mismatch", `.gnu.prelink_undo holds ${bytes.length} bytes, not the headers it announces`);
  }
  const programs = Array.from({ length: header.phnum }, (_, i) => readProgramHeader(bytes, sizes.ehdr + i * sizes.phdr));
  const rest = Array.from({ length: header.shnum - 1 }, (_, i) => readSectionHeader(bytes, sectionsAt + i * sizes.shdr));
  const sections = [nullSection, ...rest];
  return {
    header,
    programs,
    sections,
    headerBytes: bytes.slice(0, sizes.ehdr),
    programBytes: bytes.slice(sizes.ehdr, sectionsAt - sizes.ehdr),
    sectionBytes: bytes.slice(sectionsAt, bytes.length - sectionsAt),
    fileSize: originalSize(header, sections, sizes.shdr, file.length),
  };
}

/** The end of the last thing the headers describe. Bytes behind it are not kept by prelink, and are lost. */
function originalSize(header: ElfHeader, sections: SectionHeader[], shdrSize: number, limit: number): number {
  const ends = sections.filter((section) => section.type !== SHT.nobits).map((section) => section.offset + section.size);
  const size = ends.reduce((most, end) => Math.max(most, end), header.shoff + header.shnum * shdrSize);
  // prelink only adds to a file, so an original larger than the prelinked file is a lie.
  if (size > limit) throw new CatalogError("prelink-undo-mismatch", `an original of ${size} bytes in a file of ${limit}`);
  return size;
}
