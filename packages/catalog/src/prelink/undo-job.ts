import type { ElfBytes } from "../elf/elf-bytes.ts";
import type { SectionHeader } from "../elf/elf-headers.ts";
import type { ElfObject } from "../elf/read-elf.ts";
import type { AddressMap } from "./address-map.ts";
import type { SectionMatch } from "./match-sections.ts";
import type { OriginalHeaders } from "./original-headers.ts";

/** One file on its way back to its original: every step reads `file` and repairs `out`. */
export interface UndoJob {
  /** The prelinked file and its headers. */
  file: ElfBytes;
  elf: ElfObject;
  /** What the file was, and the bytes of it so far. */
  original: OriginalHeaders;
  out: ElfBytes;
  match: SectionMatch;
  map: AddressMap;
  /** Where an original address lies in `out`. */
  locate: (address: bigint) => { offset: number; section: number } | undefined;
  /** The original `.dynsym`. */
  dynsym: SectionHeader | undefined;
  /** Names of the original sections. */
  names: readonly string[];
  /** Whether gold linked the original: it writes addends to the places of R_X86_64_64. */
  linkedByGold: boolean;
  /** `undo`: relocations were applied. `move`: the object was only moved to another base. */
  mode: "undo" | "move";
}
