import { CatalogError } from "../catalog-error.ts";
import { SHT } from "../elf/elf-constants.ts";
import type { SectionHeader } from "../elf/elf-headers.ts";
import type { ElfObject } from "../elf/read-elf.ts";

/** Which original section each section of the prelinked file was; `undefined` for those prelink added. */
export type SectionMatch = readonly (number | undefined)[];

/** Sections prelink adds; `.dynbss` is split off `.bss`. */
const added = new Set([".gnu.liblist", ".gnu.libstr", ".gnu.conflict", ".gnu.prelink_undo", ".dynbss"]);

const strippedHint = "stripped after prelinking: reinstall the package to get the original back";

/**
 * Matches sections by the offset of their name, which prelink keeps because it only appends to
 * `.shstrtab`, and by order among equals. Symbols of `.dynbss` belong to `.bss` again.
 * @throws CatalogError `prelink-undo-mismatch` when a section is without its counterpart, as after strip.
 */
export function matchSections(elf: ElfObject, original: readonly SectionHeader[]): SectionMatch {
  const waiting = new Map<number, number[]>();
  for (const [index, section] of original.entries()) {
    if (index === 0) continue;
    const queue = waiting.get(section.name);
    if (queue === undefined) waiting.set(section.name, [index]);
    else queue.push(index);
  }
  const taken = new Map<number, number>();
  let bss: number | undefined;
  const match = elf.sections.map((section, index) => {
    if (index === 0) return 0;
    const name = elf.names[index] ?? "";
    if (added.has(name)) return undefined;
    const nth = taken.get(section.name) ?? 0;
    const counterpart = waiting.get(section.name)?.[nth];
    if (counterpart === undefined) {
      throw new CatalogError("prelink-undo-mismatch", `section ${name} was not in the original`, { hint: strippedHint });
    }
    taken.set(section.name, nth + 1);
    if (name === ".bss") bss = counterpart;
    checkPair(name, section, original[counterpart] ?? section);
    return counterpart;
  });
  const matched = match.reduce<number>((count, target) => count + (target === undefined ? 0 : 1), 0);
  if (matched !== original.length) {
    throw new CatalogError("prelink-undo-mismatch", `${original.length - matched} original sections are gone`, {
      hint: strippedHint,
    });
  }
  return match.map((target, index) => (elf.names[index] === ".dynbss" ? bss : target));
}

/** A pair must be able to hold the original's bytes; only REL grows to RELA, and only NOBITS may become PROGBITS. */
function checkPair(name: string, now: SectionHeader, before: SectionHeader): void {
  const grown = before.type === SHT.rel && now.type === SHT.rela && now.size * 2 === before.size * 3;
  const filled = before.type === SHT.nobits;
  const same = before.type === now.type && before.size <= now.size;
  if (!grown && !filled && !same) throw new CatalogError("prelink-undo-mismatch", `section ${name} does not fit the original's`);
}
