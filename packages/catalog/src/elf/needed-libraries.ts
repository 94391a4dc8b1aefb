import { dynamicEntries } from "../prelink/dynamic-entries.ts";
import { ElfBytes } from "./elf-bytes.ts";
import type { ByteSource } from "./byte-source.ts";
import { DT, SHT } from "./elf-constants.ts";
import type { ElfObject } from "./read-elf.ts";

/** A name of this many bytes or more is nobody's library; reading stops there. */
const longestName = 256;

/**
 * The libraries an object needs, by their DT_NEEDED names, in order. prelink leaves these names as they were.
 * @throws CatalogError `elf-malformed` when the dynamic section or its strings lie outside the file
 */
export function neededLibraries(source: ByteSource, elf: ElfObject): string[] {
  const section = elf.sections.find(({ type }) => type === SHT.dynamic);
  const strings = section === undefined ? undefined : elf.sections[section.link];
  if (section === undefined || strings === undefined) return [];
  const bytes = new ElfBytes(source.read(section.offset, section.size), elf.is64, elf.meter);
  const entries = dynamicEntries(bytes, [{ ...section, offset: 0, size: bytes.length }]);
  return entries.filter(({ tag }) => tag === BigInt(DT.needed)).map(({ value }) => {
    const name = source.read(strings.offset + Math.min(Number(value), strings.size), longestName);
    elf.meter.spend(name.length);
    const end = name.indexOf(0);
    return name.toString("latin1", 0, end < 0 ? name.length : end);
  });
}
