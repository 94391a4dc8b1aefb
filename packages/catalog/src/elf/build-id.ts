import type { ByteSource } from "./byte-source.ts";
import { ElfBytes } from "./elf-bytes.ts";
import { sectionIndex } from "./read-elf.ts";
import type { ElfObject } from "./read-elf.ts";

/** Linkers write at most a SHA-256 sized identifier; more is not a build-id. */
const longestBuildId = 64;
const NT_GNU_BUILD_ID = 3;

/**
 * The GNU build-id, which prelinking does not change: it groups variants of one build and is never
 * an identity.
 * @returns undefined when there is none or the note is not well formed.
 */
export function readBuildId(source: ByteSource, elf: ElfObject): Buffer | undefined {
  const section = elf.sections[sectionIndex(elf, ".note.gnu.build-id")];
  if (section === undefined || section.size < 16 || section.size > 16 + longestBuildId) return undefined;
  const note = source.read(section.offset, section.size);
  if (note.length < section.size) return undefined;
  const bytes = new ElfBytes(note, elf.is64, elf.meter);
  const size = bytes.u32(4);
  const isBuildId = bytes.u32(0) === 4 && bytes.u32(8) === NT_GNU_BUILD_ID && note.toString("latin1", 12, 16) === "GNU\0";
  return isBuildId && 16 + size <= note.length ? Buffer.from(note.subarray(16, 16 + size)) : undefined;
}
