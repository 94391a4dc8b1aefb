import { moveAddress } from "./dwarf-job.ts";
import type { DwarfJob } from "./dwarf-job.ts";
import { DwarfCursor } from "./dwarf-cursor.ts";

/** The mark of a common information entry in 32-bit `.debug_frame`. */
const cieId = 0xffffffff;
const DW_CFA_setLoc = 0x01;

/** Moves the initial location of every frame description in `.debug_frame` (DWARF 4 section 6.4.1). */
export function rebaseFrames(job: DwarfJob): void {
  const section = job.section(".debug_frame");
  if (section === undefined) return;
  const word = job.bytes.wordSize;
  const cursor = new DwarfCursor(job.bytes, section.offset, section.offset + section.size);
  while (!cursor.done) {
    const length = cursor.unitLength();
    const entry = new DwarfCursor(job.bytes, cursor.at, cursor.skip(length) + length);
    if (length < 4 || entry.u32() === cieId || entry.at + 2 * word > entry.end) continue;
    moveAddress(job, entry.skip(2 * word));
    if (!entry.done && job.bytes.u8(entry.at) === DW_CFA_setLoc) {
      entry.skip(1);
      moveAddress(job, entry.skip(word));
    }
  }
}
