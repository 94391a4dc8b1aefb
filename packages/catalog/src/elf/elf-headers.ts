import type { ElfBytes } from "./elf-bytes.ts";

/** The ELF header's fields that matter here, class-neutral. Offsets and sizes in bytes. */
export interface ElfHeader {
  type: number;
  machine: number;
  entry: bigint;
  phoff: number;
  shoff: number;
  phentsize: number;
  phnum: number;
  shentsize: number;
  shnum: number;
  shstrndx: number;
}

export interface ProgramHeader {
  type: number;
  flags: number;
  offset: number;
  vaddr: bigint;
  filesz: number;
}

export interface SectionHeader {
  /** Offset of the name in `.shstrtab`. */
  name: number;
  type: number;
  flags: number;
  addr: bigint;
  offset: number;
  size: number;
  link: number;
  info: number;
  entsize: number;
}

/** Bytes of each header by class (gABI figures 4-3, 4-8, 5-1). */
export function headerSizes(is64: boolean): { ehdr: number; phdr: number; shdr: number } {
  return is64 ? { ehdr: 64, phdr: 56, shdr: 64 } : { ehdr: 52, phdr: 32, shdr: 40 };
}

/** Reads the ELF header at `at` (0 in a file). @throws CatalogError `elf-malformed` when it is cut off. */
export function readElfHeader(bytes: ElfBytes, at = 0): ElfHeader {
  const word = bytes.wordSize;
  const tail = at + 24 + 3 * word + 4;
  return {
    type: bytes.u16(at + 16),
    machine: bytes.u16(at + 18),
    entry: bytes.word(at + 24),
    phoff: bytes.count(at + 24 + word),
    shoff: bytes.count(at + 24 + 2 * word),
    phentsize: bytes.u16(tail + 2),
    phnum: bytes.u16(tail + 4),
    shentsize: bytes.u16(tail + 6),
    shnum: bytes.u16(tail + 8),
    shstrndx: bytes.u16(tail + 10),
  };
}

/** Reads the program header at byte `at`. */
export function readProgramHeader(bytes: ElfBytes, at: number): ProgramHeader {
  return bytes.is64
    ? {
        type: bytes.u32(at),
        flags: bytes.u32(at + 4),
        offset: bytes.count(at + 8),
        vaddr: bytes.word(at + 16),
        filesz: bytes.count(at + 32),
      }
    : {
        type: bytes.u32(at),
        offset: bytes.count(at + 4),
        vaddr: bytes.word(at + 8),
        filesz: bytes.count(at + 16),
        flags: bytes.u32(at + 24),
      };
}

/** Reads the section header at byte `at`. */
export function readSectionHeader(bytes: ElfBytes, at: number): SectionHeader {
  const word = bytes.wordSize;
  const link = at + 8 + 4 * word;
  return {
    name: bytes.u32(at),
    type: bytes.u32(at + 4),
    flags: bytes.count(at + 8),
    addr: bytes.word(at + 8 + word),
    offset: bytes.count(at + 8 + 2 * word),
    size: bytes.count(at + 8 + 3 * word),
    link: bytes.u32(link),
    info: bytes.u32(link + 4),
    entsize: bytes.count(link + 8 + word),
  };
}
