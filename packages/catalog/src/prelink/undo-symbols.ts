import { SHN, SHT, STT } from "../elf/elf-constants.ts";
import type { UndoJob } from "./undo-job.ts";

const STT_SECTION = 3;

/** Puts st_value and st_shndx of `.dynsym` and `.symtab` back. */
export function undoSymbols(job: UndoJob): void {
  for (const section of job.original.sections) {
    if (section.type !== SHT.dynsym && section.type !== SHT.symtab) continue;
    const size = job.out.is64 ? 24 : 16;
    for (let at = section.offset; at + size <= section.offset + section.size; at += size) undoSymbol(job, at);
  }
}

function undoSymbol(job: UndoJob, at: number): void {
  const { out, map } = job;
  const [infoAt, indexAt, valueAt] = out.is64 ? [at + 4, at + 6, at + 8] : [at + 12, at + 14, at + 4];
  const type = out.u8(infoAt) & 0xf;
  const index = out.u16(indexAt);
  if (index === SHN.undef) return;
  if (index >= SHN.loreserve) {
    // Old linkers made _DYNAMIC, _end and the like absolute, and prelink moves such symbols too.
    const value = out.word(valueAt);
    if (index === SHN.abs && value !== 0n && type <= STT.func) out.setWord(valueAt, map.toOriginal(value));
    return;
  }
  const target = job.match[index];
  if (target === undefined) return;
  out.setU16(indexAt, target);
  if (type === STT.tls) return;
  const now = job.elf.sections[index];
  const before = job.original.sections[target];
  const value = out.word(valueAt);
  // A section that moved within a program (.dynstr, .rel.dyn) takes only its own symbol along.
  if (type === STT_SECTION && now?.addr === value) out.setWord(valueAt, before?.addr ?? value);
  else out.setWord(valueAt, value - map.deltaOf(target));
}
