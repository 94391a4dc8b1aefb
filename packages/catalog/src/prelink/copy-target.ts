import type { Relocation } from "./relocation.ts";
import type { UndoJob } from "./undo-job.ts";

/**
 * Zeroes what a copy relocation filled in: the symbol's size at its place. Only such places were
 * zero in a `.data.rel.ro`; prelink's own undo zeroes the whole section and loses the program's data.
 */
export function clearCopyTarget(job: UndoJob, relocation: Relocation, offset: number): void {
  const { out } = job;
  const symbols = job.dynsym;
  const place = job.original.sections[relocation.section];
  const entrySize = out.is64 ? 24 : 16;
  if (symbols === undefined || place === undefined || (relocation.symbol + 1) * entrySize > symbols.size) return;
  const at = symbols.offset + relocation.symbol * entrySize;
  const size = out.is64 ? out.count(at + 16) : out.u32(at + 8);
  out.clear(offset, Math.min(size, place.offset + place.size - offset));
}
