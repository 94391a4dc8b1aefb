import { R386 } from "../elf/elf-constants.ts";
import { clearCopyTarget } from "./copy-target.ts";
import { rebasePlace } from "./rebase-place.ts";
import type { Relocation } from "./relocation.ts";
import type { UndoJob } from "./undo-job.ts";

/**
 * Puts one i386 relocation and its place back. The originals are REL: the addend stands at the
 * place. Where prelink turned the table into RELA, it moved the addend into the entry.
 */
export function undoTargetI386(job: UndoJob, relocation: Relocation, slot: () => bigint | undefined): void {
  const { out } = job;
  const { offset, type, addend } = relocation;
  if (offset === undefined) return;
  switch (type) {
    case R386.relative:
    case R386.irelative:
      if (addend === undefined) rebasePlace(job, offset);
      else out.setWord(offset, job.map.toOriginal(addend));
      return;
    case R386.jmpSlot: {
      const value = slot();
      if (value === undefined) rebasePlace(job, offset);
      else out.setWord(offset, value);
      return;
    }
    default:
      if (job.mode === "undo") undoSymbolic(job, relocation, offset);
  }
}

function undoSymbolic(job: UndoJob, relocation: Relocation, offset: number): void {
  const { out } = job;
  const { addend, type } = relocation;
  switch (type) {
    case R386.globDat:
      out.setWord(offset, 0n);
      // prelink writes R_386_32 without an addend as GLOB_DAT; a real GLOB_DAT is in the GOT.
      if (addend === undefined && job.names[relocation.section] !== ".got") setType(job, relocation, R386.abs32);
      return;
    case R386.tlsDtpmod32:
    case R386.tlsDtpoff32:
      out.setWord(offset, 0n);
      return;
    case R386.abs32:
    case R386.pc32:
    case R386.tlsTpoff:
    case R386.tlsTpoff32:
      if (addend !== undefined) out.setWord(offset, addend);
      return;
    case R386.copy:
      clearCopyTarget(job, relocation, offset);
      return;
    default: // R_386_NONE and whatever prelink does not touch
  }
}

function setType(job: UndoJob, relocation: Relocation, type: number): void {
  job.out.setWord(relocation.entryAt + 4, BigInt(relocation.symbol) * 256n + BigInt(type));
}
