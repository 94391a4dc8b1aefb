import { ElfBytes } from "../elf/elf-bytes.ts";
import { PT, SHF, SHT } from "../elf/elf-constants.ts";
import { headerSizes } from "../elf/elf-headers.ts";
import type { SectionHeader } from "../elf/elf-headers.ts";
import type { ElfObject } from "../elf/read-elf.ts";
import { addressLocator } from "./address-map.ts";
import { restoreObject } from "./restore-object.ts";

/**
 * Moves a library back to base address 0, as it was linked before `prelink -r` moved it; nothing
 * else of such a file was changed. Linear in the file.
 * @returns the moved bytes, a candidate like those of undoPrelink.
 * @throws CatalogError when its structures are malformed.
 */
export function moveToBaseZero(content: Buffer, elf: ElfObject): Buffer {
  const file = new ElfBytes(content, elf.is64, elf.meter);
  const out = new ElfBytes(Buffer.from(content), elf.is64, elf.meter);
  elf.meter.spend(content.length);
  const base = elf.programs.find((program) => program.type === PT.load)?.vaddr ?? 0n;
  const toOriginal = (address: bigint) => address - base;
  const sections = elf.sections.map((section) => (isMapped(section) ? { ...section, addr: section.addr - base } : section));
  moveHeaders(out, elf, base);
  restoreObject({
    file,
    elf,
    original: {
      header: elf.header,
      programs: elf.programs,
      sections,
      headerBytes: content.subarray(0, 0),
      programBytes: content.subarray(0, 0),
      sectionBytes: content.subarray(0, 0),
      fileSize: content.length,
    },
    out,
    match: elf.sections.map((_, index) => index),
    map: { toOriginal, deltaOf: (index) => (isMapped(elf.sections[index]) ? base : 0n) },
    locate: addressLocator(sections),
    dynsym: sections.find((section) => section.type === SHT.dynsym),
    names: elf.names,
    linkedByGold: false,
    mode: "move",
  });
  return out.buffer;
}

function isMapped(section: SectionHeader | undefined): boolean {
  return section !== undefined && (section.flags & SHF.alloc) !== 0 && section.type !== SHT.null;
}

function moveHeaders(out: ElfBytes, elf: ElfObject, base: bigint): void {
  const sizes = headerSizes(elf.is64);
  const word = out.wordSize;
  if (elf.header.entry !== 0n) out.setWord(24, elf.header.entry - base);
  for (const [index, program] of elf.programs.entries()) {
    if (program.type === PT.gnuStack) continue;
    const at = elf.header.phoff + index * sizes.phdr + (elf.is64 ? 16 : 8);
    out.setWord(at, out.word(at) - base);
    out.setWord(at + word, out.word(at + word) - base);
  }
  for (const [index, section] of elf.sections.entries()) {
    if (isMapped(section)) out.setWord(elf.header.shoff + index * sizes.shdr + 8 + word, section.addr - base);
  }
}
