import { moveAddress } from "./dwarf-job.ts";
import type { DwarfJob } from "./dwarf-job.ts";
import { DwarfCursor } from "./dwarf-cursor.ts";

/** Moves the (address, length) pairs of `.debug_aranges` (DWARF 4 section 6.1.2). */
export function rebaseAranges(job: DwarfJob): void {
  const section = job.section(".debug_aranges");
  if (section === undefined) return;
  const word = job.bytes.wordSize;
  const cursor = new DwarfCursor(job.bytes, section.offset, section.offset + section.size);
  while (!cursor.done) {
    const start = cursor.at;
    const length = cursor.unitLength();
    const set = new DwarfCursor(job.bytes, cursor.at, cursor.skip(length) + length);
    set.skip(8); // version, .debug_info offset, address size, segment size
    // Pairs are aligned to twice the address size, counted from the start of the set.
    const used = (set.at - start) % (2 * word);
    if (used !== 0) set.skip(2 * word - used);
    while (set.at + 2 * word <= set.end) moveAddress(job, set.skip(2 * word));
  }
}
