import type { DwarfJob } from "./dwarf-job.ts";
import { rebaseAranges } from "./rebase-aranges.ts";
import { rebaseFrames } from "./rebase-frames.ts";
import { rebaseInfo } from "./rebase-info.ts";
import { rebaseLines } from "./rebase-lines.ts";

/**
 * Moves every address of the DWARF 2 to 4 sections: units, their location lists and ranges, line
 * programs, frames and address ranges.
 * @throws CatalogError `elf-malformed`, or `elf-unsupported` for versions prelink does not rewrite.
 */
export function rebaseDwarf(job: DwarfJob): void {
  rebaseInfo(job);
  rebaseLines(job);
  rebaseFrames(job);
  rebaseAranges(job);
}
