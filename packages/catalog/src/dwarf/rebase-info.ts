import { CatalogError } from "../catalog-error.ts";
import { readAbbreviations } from "./abbreviations.ts";
import type { Abbreviation } from "./abbreviations.ts";
import { AT, expressionAttributes, FORM, locationAttributes } from "./dwarf-constants.ts";
import { DwarfCursor } from "./dwarf-cursor.ts";
import { moveAddress } from "./dwarf-job.ts";
import type { DwarfJob } from "./dwarf-job.ts";
import { rebaseExpression } from "./rebase-expression.ts";
import { rebaseLocationList, rebaseRangeList } from "./rebase-lists.ts";
import type { MovedLists, UnitContext } from "./rebase-lists.ts";

/** Moves every address that `.debug_info` and `.debug_types` hold, and the lists they point to. */
export function rebaseInfo(job: DwarfJob): void {
  const abbreviations = new Map<number, Map<number, Abbreviation>>();
  const moved: MovedLists = new Set();
  for (const name of [".debug_info", ".debug_types"]) {
    const section = job.section(name);
    if (section === undefined) continue;
    const cursor = new DwarfCursor(job.bytes, section.offset, section.offset + section.size);
    while (!cursor.done) {
      const length = cursor.unitLength();
      const unit = new DwarfCursor(job.bytes, cursor.at, cursor.skip(length) + length);
      new UnitRebaser(job, unit, abbreviations, moved).run(name === ".debug_types");
    }
  }
}

/** Walks one unit's entries in order; their nesting does not matter here. */
class UnitRebaser {
  readonly job: DwarfJob;
  readonly cursor: DwarfCursor;
  readonly tables: Map<number, Map<number, Abbreviation>>;
  readonly moved: MovedLists;
  readonly unit: UnitContext = { version: 0, hasBase: false };

  constructor(job: DwarfJob, cursor: DwarfCursor, tables: Map<number, Map<number, Abbreviation>>, moved: MovedLists) {
    this.job = job;
    this.cursor = cursor;
    this.tables = tables;
    this.moved = moved;
  }

  run(typeUnit: boolean): void {
    const { cursor } = this;
    this.unit.version = cursor.u16();
    if (this.unit.version < 2 || this.unit.version > 4) throw new CatalogError("elf-unsupported", `DWARF ${this.unit.version}`);
    const table = this.table(cursor.u32());
    if (cursor.u8() !== this.job.bytes.wordSize) throw new CatalogError("elf-unsupported", "DWARF of another address size");
    if (typeUnit) cursor.skip(12); // type signature and offset
    let first = true;
    while (!cursor.done) {
      const code = cursor.uleb();
      if (code === 0) continue;
      const abbreviation = table.get(code);
      if (abbreviation === undefined) throw new CatalogError("elf-malformed", `debug entry uses unknown abbreviation ${code}`);
      if (first) this.unit.hasBase = this.hasBase(abbreviation);
      first = false;
      for (const { name, form } of abbreviation.attributes) this.attribute(name, form);
    }
  }

  private table(offset: number): Map<number, Abbreviation> {
    const known = this.tables.get(offset);
    if (known !== undefined) return known;
    const section = this.job.section(".debug_abbrev");
    if (section === undefined || offset >= section.size) throw new CatalogError("elf-malformed", "a unit without abbreviations");
    const table = readAbbreviations(new DwarfCursor(this.job.bytes, section.offset + offset, section.offset + section.size));
    this.tables.set(offset, table);
    return table;
  }

  /** Looks ahead in the unit's first entry: DW_AT_ranges may stand before the DW_AT_low_pc it depends on. */
  private hasBase(abbreviation: Abbreviation): boolean {
    const ahead = new DwarfCursor(this.job.bytes, this.cursor.at, this.cursor.end);
    for (const { name, form } of abbreviation.attributes) {
      if (name === AT.lowPc && form === FORM.addr) return this.job.bytes.word(ahead.skip(this.job.bytes.wordSize)) !== 0n;
      this.skipForm(ahead, form);
    }
    return false;
  }

  private attribute(name: number, form: number): void {
    const { bytes } = this.job;
    const { cursor } = this;
    switch (form) {
      case FORM.addr:
        moveAddress(this.job, cursor.skip(bytes.wordSize));
        return;
      case FORM.indirect:
        this.attribute(name, this.directForm(cursor));
        return;
      case FORM.data4: // an offset in DWARF 2 and 3, a constant since
        if (this.unit.version < 4) this.list(name, cursor.u32());
        else cursor.skip(4);
        return;
      case FORM.secOffset:
        this.list(name, cursor.u32());
        return;
      case FORM.block:
      case FORM.block1:
      case FORM.block2:
      case FORM.block4:
      case FORM.exprloc: {
        const size = this.blockSize(cursor, form);
        const from = cursor.skip(size);
        if (expressionAttributes.has(name)) rebaseExpression(this.job, new DwarfCursor(bytes, from, from + size), this.unit.version);
        return;
      }
      default:
        this.skipForm(cursor, form);
    }
  }

  private list(name: number, offset: number): void {
    if (name === AT.ranges || name === AT.startScope) rebaseRangeList(this.job, offset, this.unit, this.moved);
    else if (locationAttributes.has(name)) rebaseLocationList(this.job, offset, this.unit, this.moved);
  }

  /** The form an indirect attribute names; one that is indirect again could recurse as deep as the file is long. */
  private directForm(cursor: DwarfCursor): number {
    const form = cursor.uleb();
    if (form === FORM.indirect) throw new CatalogError("elf-malformed", "an indirect DWARF form names itself");
    return form;
  }

  private blockSize(cursor: DwarfCursor, form: number): number {
    if (form === FORM.block1) return cursor.u8();
    if (form === FORM.block2) return cursor.u16();
    if (form === FORM.block4) return cursor.u32();
    return cursor.uleb();
  }

  private skipForm(cursor: DwarfCursor, form: number): void {
    const fixed = this.fixedSize(form);
    if (fixed !== undefined) cursor.skip(fixed);
    else if (form === FORM.string) cursor.skipString();
    else if (form === FORM.sdata || form === FORM.udata || form === FORM.refUdata) cursor.skipLeb();
    else if (form === FORM.indirect) this.skipForm(cursor, this.directForm(cursor));
    else if (blockForms.has(form)) cursor.skip(this.blockSize(cursor, form));
    else throw new CatalogError("elf-unsupported", `DWARF form 0x${form.toString(16)}`);
  }

  private fixedSize(form: number): number | undefined {
    if (form === FORM.addr) return this.job.bytes.wordSize;
    // DWARF 2 gave references to other units the size of an address.
    if (form === FORM.refAddr) return this.unit.version === 2 ? this.job.bytes.wordSize : 4;
    return fixedForms.get(form);
  }
}

const blockForms = new Set<number>([FORM.block, FORM.block1, FORM.block2, FORM.block4, FORM.exprloc]);

const fixedForms = new Map<number, number>([
  [FORM.flagPresent, 0],
  [FORM.data1, 1], [FORM.flag, 1], [FORM.ref1, 1],
  [FORM.data2, 2], [FORM.ref2, 2],
  [FORM.data4, 4], [FORM.ref4, 4], [FORM.strp, 4], [FORM.secOffset, 4], [FORM.gnuRefAlt, 4], [FORM.gnuStrpAlt, 4],
  [FORM.data8, 8], [FORM.ref8, 8], [FORM.refSig8, 8],
]); // prettier-ignore
