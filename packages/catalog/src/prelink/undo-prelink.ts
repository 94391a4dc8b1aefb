import { CatalogError } from "../catalog-error.ts";
import { ElfBytes } from "../elf/elf-bytes.ts";
import { ET, SHT } from "../elf/elf-constants.ts";
import { sectionIndex } from "../elf/read-elf.ts";
import type { ElfObject } from "../elf/read-elf.ts";
import { addressLocator, sectionDeltas, unmoved } from "./address-map.ts";
import { matchSections } from "./match-sections.ts";
import type { SectionMatch } from "./match-sections.ts";
import { readUndoSection } from "./original-headers.ts";
import type { OriginalHeaders } from "./original-headers.ts";
import { restoreObject } from "./restore-object.ts";

/**
 * Undoes prelinking: computes the file as it was linked, from the headers kept in
 * `.gnu.prelink_undo` and the rules of what prelink changes. Time and memory are linear in the file.
 * What prelink does not keep (bytes behind the section headers, padding that was not zero) is lost,
 * so the result is only a candidate until its digest turns up elsewhere.
 * @throws CatalogError when the file cannot be undone; the code says why.
 */
export function undoPrelink(content: Buffer, elf: ElfObject): Buffer {
  const file = new ElfBytes(content, elf.is64, elf.meter);
  const original = readUndoSection(file, elf);
  const match = matchSections(elf, original.sections);
  const out = layOut(file, elf, original, match);
  const moved = elf.header.type === ET.dyn;
  restoreObject({
    file,
    elf,
    original,
    out,
    match,
    map: moved ? sectionDeltas(elf.sections, original.sections, match) : unmoved,
    locate: addressLocator(original.sections),
    dynsym: original.sections.find((section) => section.type === SHT.dynsym),
    names: originalNames(elf, match),
    linkedByGold: sectionIndex(elf, ".note.gnu.gold-version") >= 0,
    mode: "undo",
  });
  return out.buffer;
}

function originalNames(elf: ElfObject, match: SectionMatch): string[] {
  const names: string[] = [];
  for (const [index, target] of match.entries()) {
    // .dynbss comes before .bss and shares its target: the later, true name stays.
    if (target !== undefined) names[target] = elf.names[index] ?? "";
  }
  return names;
}

/** Headers and section contents at their original places; what lies between is zero. */
function layOut(file: ElfBytes, elf: ElfObject, original: OriginalHeaders, match: SectionMatch): ElfBytes {
  const out = new ElfBytes(Buffer.alloc(original.fileSize), elf.is64, elf.meter);
  const { header } = original;
  put(out, 0, original.headerBytes);
  put(out, header.phoff, original.programBytes);
  put(out, header.shoff + header.shentsize, original.sectionBytes);
  for (const [index, now] of elf.sections.entries()) {
    const target = match[index];
    const before = target === undefined ? undefined : original.sections[target];
    // Converted tables are written entry by entry; NOBITS has no bytes in the file.
    if (before === undefined || before.type === SHT.nobits || before.type !== now.type) continue;
    put(out, before.offset, file.slice(now.offset, before.size));
  }
  return out;
}

function put(out: ElfBytes, offset: number, bytes: Buffer): void {
  if (offset + bytes.length > out.length) throw new CatalogError("prelink-undo-mismatch", `${bytes.length} bytes at ${offset} do not fit the original`);
  out.meter.spend(bytes.length);
  bytes.copy(out.buffer, offset);
}
