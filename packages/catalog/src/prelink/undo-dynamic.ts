import { DT, SHT } from "../elf/elf-constants.ts";
import { dynamicEntries } from "./dynamic-entries.ts";
import type { UndoJob } from "./undo-job.ts";

const addedTags = new Set<number>([DT.checksum, DT.gnuPrelinked, DT.gnuLiblist, DT.gnuLiblistsz, DT.gnuConflict, DT.gnuConflictsz]);

/** Tags whose value is an address, beside the range DT_ADDRRNGLO..DT_ADDRRNGHI. */
const addressTags = new Set<number>([
  DT.pltgot, DT.hash, DT.strtab, DT.symtab, DT.rela, DT.init, DT.fini, DT.rel, DT.jmprel,
  DT.initArray, DT.finiArray, DT.preinitArray, DT.versym, DT.verdef, DT.verneed,
]); // prettier-ignore

/** i386 programs and libraries whose `.rel.dyn` became RELA get their tags back: the same entries under REL names. */
const relNames = new Map<number, number>([
  [DT.rela, DT.rel],
  [DT.relasz, DT.relsz],
  [DT.relaent, DT.relent],
  [DT.relacount, DT.relcount],
]);

/** Puts `.dynamic` back: added tags to DT_NULL, addresses to the original's, RELA tags to REL where they were. */
export function undoDynamic(job: UndoJob): void {
  const { out, original } = job;
  const starts = sectionStarts(job);
  const converted = job.elf.sections.some((now, index) => {
    const before = original.sections[job.match[index] ?? 0];
    return now.type === SHT.rela && before?.type === SHT.rel;
  });
  for (const { at, tag: wide, value } of dynamicEntries(out, original.sections)) {
    const tag = Number(wide);
    const valueAt = at + out.wordSize;
    if (job.mode === "undo" && addedTags.has(tag)) {
      out.clear(at, 2 * out.wordSize);
      continue;
    }
    const isAddress = addressTags.has(tag) || (tag >= DT.addrRangeLow && tag <= DT.addrRangeHigh);
    if (isAddress && value !== 0n) out.setWord(valueAt, starts.get(value) ?? job.map.toOriginal(value));
    const relName = converted ? relNames.get(tag) : undefined;
    if (relName === undefined) continue;
    out.setWord(at, BigInt(relName));
    if (relName === DT.relsz) out.setWord(valueAt, (value * 2n) / 3n);
    if (relName === DT.relent) out.setWord(valueAt, 8n);
  }
}

/** Where a section that starts at a prelinked address started before: programs move `.dynstr`, `.hash` and the like one by one. */
function sectionStarts(job: UndoJob): Map<bigint, bigint> {
  const starts = new Map<bigint, bigint>();
  for (const [index, now] of job.elf.sections.entries()) {
    const target = job.match[index];
    const before = target === undefined ? undefined : job.original.sections[target];
    const splitBss = job.elf.names[index] === ".dynbss" || before?.type === SHT.nobits;
    if (before !== undefined && now.addr !== 0n && now.size > 0 && !splitBss) starts.set(now.addr, before.addr);
  }
  return starts;
}
