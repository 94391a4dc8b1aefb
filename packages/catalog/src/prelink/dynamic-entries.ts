import type { ElfBytes } from "../elf/elf-bytes.ts";
import { DT, SHT } from "../elf/elf-constants.ts";
import type { SectionHeader } from "../elf/elf-headers.ts";

/** One entry of `.dynamic` and where it stands. */
export interface DynamicEntry {
  /** Byte offset of the entry in `bytes`. */
  at: number;
  tag: bigint;
  value: bigint;
}

/** Every entry of the first dynamic section, up to and without DT_NULL; none when there is no such section. */
export function dynamicEntries(bytes: ElfBytes, sections: readonly SectionHeader[]): DynamicEntry[] {
  const section = sections.find((candidate) => candidate.type === SHT.dynamic);
  const entries: DynamicEntry[] = [];
  if (section === undefined) return entries;
  const step = 2 * bytes.wordSize;
  for (let at = section.offset; at + step <= section.offset + section.size; at += step) {
    const tag = bytes.word(at);
    if (tag === BigInt(DT.null)) break;
    entries.push({ at, tag, value: bytes.word(at + bytes.wordSize) });
  }
  return entries;
}
