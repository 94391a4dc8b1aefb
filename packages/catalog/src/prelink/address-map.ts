import { SHF, SHT } from "../elf/elf-constants.ts";
import type { SectionHeader } from "../elf/elf-headers.ts";
import type { SectionMatch } from "./match-sections.ts";

/** Translates addresses of the prelinked object to the original's. */
export interface AddressMap {
  /** An address of unknown kind: a pointer, an addend, a relocation's place. */
  toOriginal(address: bigint): bigint;
  /** The distance the original section `index` was moved: prelinked minus original. */
  deltaOf(index: number): bigint;
}

/** Nothing moved: the code of a position-dependent program stays where it was linked. */
export const unmoved: AddressMap = { toOriginal: (address) => address, deltaOf: () => 0n };

/**
 * The map of a library or PIE. Each section was moved by its own delta: one for all, or two where
 * `.rel.dyn` grew to RELA. An address belongs to the last section that starts at or before it;
 * one below all sections moves as the first does, so that addends like "base − 8" come out right.
 */
export function sectionDeltas(now: readonly SectionHeader[], before: readonly SectionHeader[], match: SectionMatch): AddressMap {
  const deltas = before.map(() => 0n);
  const starts: { addr: bigint; delta: bigint }[] = [];
  for (const [index, section] of now.entries()) {
    const target = match[index];
    const original = target === undefined ? undefined : before[target];
    if (target === undefined || original === undefined || (section.flags & SHF.alloc) === 0) continue;
    const delta = section.addr - original.addr;
    deltas[target] = delta;
    // .tbss takes no address space: the section behind it starts at the same address.
    if (section.type === SHT.nobits && (section.flags & SHF.tls) !== 0) continue;
    starts.push({ addr: section.addr, delta });
  }
  starts.sort((a, b) => (a.addr < b.addr ? -1 : Number(a.addr > b.addr)));
  return {
    deltaOf: (index) => deltas[index] ?? 0n,
    toOriginal(address) {
      let low = 0;
      let high = starts.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((starts[middle]?.addr ?? 0n) <= address) low = middle + 1;
        else high = middle;
      }
      return address - (starts[Math.max(0, low - 1)]?.delta ?? 0n);
    },
  };
}

/** Finds the byte of the file that holds an address; undefined where no file-backed section does. */
export function addressLocator(sections: readonly SectionHeader[]): (address: bigint) => { offset: number; section: number } | undefined {
  const places = sections
    .map((section, index) => ({ section, index }))
    .filter(({ section }) => (section.flags & SHF.alloc) !== 0 && section.type !== SHT.nobits && section.size > 0)
    .sort((a, b) => (a.section.addr < b.section.addr ? -1 : Number(a.section.addr > b.section.addr)));
  return (address) => {
    let low = 0;
    let high = places.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((places[middle]?.section.addr ?? 0n) <= address) low = middle + 1;
      else high = middle;
    }
    const place = places[low - 1];
    if (place === undefined || address >= place.section.addr + BigInt(place.section.size)) return undefined;
    return { offset: place.section.offset + Number(address - place.section.addr), section: place.index };
  };
}
