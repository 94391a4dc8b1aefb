import { CatalogError } from "../catalog-error.ts";
import type { DwarfCursor } from "./dwarf-cursor.ts";

export interface Abbreviation {
  tag: number;
  attributes: { name: number; form: number }[];
}

/** Reads one abbreviation table, from its offset to the terminating 0. */
export function readAbbreviations(cursor: DwarfCursor): Map<number, Abbreviation> {
  const table = new Map<number, Abbreviation>();
  for (;;) {
    if (cursor.done) return table;
    const code = cursor.uleb();
    if (code === 0) return table;
    const abbreviation: Abbreviation = { tag: cursor.uleb(), attributes: [] };
    cursor.u8();
    for (;;) {
      const name = cursor.uleb();
      const form = cursor.uleb();
      if (name === 0 && form === 0) break;
      abbreviation.attributes.push({ name, form });
    }
    if (table.has(code)) throw new CatalogError("elf-malformed", `abbreviation ${code} is defined twice`);
    table.set(code, abbreviation);
  }
}
