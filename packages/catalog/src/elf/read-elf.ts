import { CatalogError } from "../catalog-error.ts";
import type { ByteSource } from "./byte-source.ts";
import { ElfBytes, TouchMeter } from "./elf-bytes.ts";
import { EM, ET } from "./elf-constants.ts";
import { headerSizes, readElfHeader, readProgramHeader, readSectionHeader } from "./elf-headers.ts";
import type { ElfHeader, ProgramHeader, SectionHeader } from "./elf-headers.ts";

/** The headers of one linked object: everything about an ELF file short of its contents. */
export interface ElfObject {
  is64: boolean;
  header: ElfHeader;
  programs: ProgramHeader[];
  sections: SectionHeader[];
  /** Section names, index for index; "" where the name table does not hold one. */
  names: string[];
  meter: TouchMeter;
}

/** Names longer than this are nobody's section names; reading stops there, so a table without NULs stays cheap. */
const longestName = 64;

const magic = Buffer.from([0x7f, 0x45, 0x4c, 0x46]);

/** Whether the first bytes of a file are the ELF magic number. */
function isElf(start: Buffer): boolean {
  return start.subarray(0, 4).equals(magic);
}

/**
 * Reads the headers of a linked x86-64 or i386 object, in time linear in their number.
 * @returns undefined when the file is no ELF program or shared library of these two machines.
 * @throws CatalogError `elf-malformed` when the headers point outside the file or contradict it.
 */
export function readElf(source: ByteSource): ElfObject | undefined {
  const start = source.read(0, 64);
  if (start.length < 52 || !isElf(start)) return undefined;
  const is64 = start[4] === 2;
  if ((start[4] !== 1 && !is64) || start[5] !== 1) return undefined;
  const meter = new TouchMeter(source.size);
  const header = readElfHeader(new ElfBytes(start, is64, meter));
  const machine = is64 ? EM.x86_64 : EM.i386;
  if (header.machine !== machine || (header.type !== ET.exec && header.type !== ET.dyn)) return undefined;
  const sizes = headerSizes(is64);
  const programs = table(source, is64, meter, header.phoff, header.phnum, header.phentsize, sizes.phdr, readProgramHeader);
  const sections = table(source, is64, meter, header.shoff, header.shnum, header.shentsize, sizes.shdr, readSectionHeader);
  return { is64, header, programs, sections, names: sectionNames(source, header, sections, meter), meter };
}

function table<T>(
  source: ByteSource,
  is64: boolean,
  meter: TouchMeter,
  offset: number,
  count: number,
  entrySize: number,
  expected: number,
  readOne: (bytes: ElfBytes, at: number) => T,
): T[] {
  if (count === 0) return [];
  if (entrySize !== expected) throw new CatalogError("elf-malformed", `header entries of ${entrySize} bytes, ${expected} expected`);
  const bytes = new ElfBytes(source.read(offset, count * entrySize), is64, meter);
  return Array.from({ length: count }, (_, i) => readOne(bytes, i * entrySize));
}

function sectionNames(source: ByteSource, header: ElfHeader, sections: SectionHeader[], meter: TouchMeter): string[] {
  const strings = sections[header.shstrndx];
  if (strings === undefined || strings.size > source.size) return sections.map(() => "");
  const bytes = source.read(strings.offset, strings.size);
  meter.spend(bytes.length);
  return sections.map((section) => {
    const window = bytes.subarray(section.name, section.name + longestName);
    const end = window.indexOf(0);
    return end < 0 ? "" : window.toString("latin1", 0, end);
  });
}

/** Index of the first section of that name, or -1. */
export function sectionIndex(elf: ElfObject, name: string): number {
  return elf.names.indexOf(name);
}
