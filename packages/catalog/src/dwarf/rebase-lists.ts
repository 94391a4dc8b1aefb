import { moveAddress } from "./dwarf-job.ts";
import type { DwarfJob } from "./dwarf-job.ts";
import { DwarfCursor } from "./dwarf-cursor.ts";
import { rebaseExpression } from "./rebase-expression.ts";

/** What a unit says that its lists depend on. */
export interface UnitContext {
  version: number;
  /** Whether the unit has a DW_AT_low_pc other than 0: then list entries are offsets from it and do not move. */
  hasBase: boolean;
}

/** Lists already moved, by byte offset: units share them, and an address moves only once. */
export type MovedLists = Set<number>;

/** Moves one location list of `.debug_loc` (DWARF 4 section 2.6.2), expressions included. */
export function rebaseLocationList(job: DwarfJob, offset: number, unit: UnitContext, moved: MovedLists): void {
  rebaseList(job, ".debug_loc", offset, unit, moved, (cursor) => {
    const size = cursor.u16();
    const from = cursor.skip(size);
    rebaseExpression(job, new DwarfCursor(job.bytes, from, from + size), unit.version);
  });
}

/** Moves one range list of `.debug_ranges` (DWARF 4 section 2.17.3). */
export function rebaseRangeList(job: DwarfJob, offset: number, unit: UnitContext, moved: MovedLists): void {
  rebaseList(job, ".debug_ranges", offset, unit, moved, () => {});
}

function rebaseList(
  job: DwarfJob,
  name: string,
  offset: number,
  unit: UnitContext,
  moved: MovedLists,
  entryTail: (cursor: DwarfCursor) => void,
): void {
  const section = job.section(name);
  if (section === undefined || offset >= section.size || moved.has(section.offset + offset)) return;
  moved.add(section.offset + offset);
  const { bytes } = job;
  const word = bytes.wordSize;
  const allOnes = BigInt.asUintN(word * 8, -1n);
  const cursor = new DwarfCursor(bytes, section.offset + offset, section.offset + section.size);
  let absolute = !unit.hasBase;
  while (cursor.at + 2 * word <= cursor.end) {
    const at = cursor.skip(2 * word);
    const low = bytes.word(at);
    const high = bytes.word(at + word);
    if (low === 0n && high === 0n) return;
    if (low === allOnes) {
      // A base address selection: it moves, what follows are offsets from it.
      moveAddress(job, at + word);
      absolute = high === 0n;
      continue;
    }
    if (absolute) {
      moveAddress(job, at);
      moveAddress(job, at + word);
    }
    entryTail(cursor);
  }
}
