import { rebaseDwarf } from "../dwarf/rebase-dwarf.ts";
import { ET, PT, SHF } from "../elf/elf-constants.ts";
import { undoGotHead } from "./procedure-linkage.ts";
import { undoDynamic } from "./undo-dynamic.ts";
import type { UndoJob } from "./undo-job.ts";
import { undoRelocations } from "./undo-relocations.ts";
import { undoSymbols } from "./undo-symbols.ts";

/** Repairs the contents of `job.out`, whose bytes and headers are already in their original places. */
export function restoreObject(job: UndoJob): void {
  undoDynamic(job);
  const linkage = undoGotHead(job);
  undoRelocations(job, linkage);
  undoSymbols(job);
  if (job.original.header.type === ET.dyn) restoreDebug(job);
}

function restoreDebug(job: UndoJob): void {
  const sections = new Map<string, number>();
  for (const [index, target] of job.match.entries()) {
    const name = job.elf.names[index] ?? "";
    if (target !== undefined && name.startsWith(".debug_")) sections.set(name, target);
  }
  const span = addressSpan(job);
  rebaseDwarf({
    bytes: job.out,
    // prelink leaves some addresses alone (expressions within location lists, code the linker
    // dropped); those do not lie where the object was moved to.
    move: (address) => (address >= span.low && address <= span.high ? job.map.toOriginal(address) : address),
    section: (name) => {
      const section = job.original.sections[sections.get(name) ?? -1];
      // prelink leaves compressed debug sections alone.
      return section === undefined || (section.flags & SHF.compressed) !== 0 ? undefined : section;
    },
  });
}

/** From the lowest to behind the highest address the moved object occupies. */
function addressSpan(job: UndoJob): { low: bigint; high: bigint } {
  const mapped = job.elf.sections.filter((section) => (section.flags & SHF.alloc) !== 0);
  const loads = job.elf.programs.filter((program) => program.type === PT.load);
  const low = loads.reduce((least, load) => (load.vaddr < least ? load.vaddr : least), loads[0]?.vaddr ?? 0n);
  const high = mapped.reduce((most, { addr, size }) => (addr + BigInt(size) > most ? addr + BigInt(size) : most), 0n);
  return { low, high };
}
