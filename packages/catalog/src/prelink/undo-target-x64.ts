import { RX64 } from "../elf/elf-constants.ts";
import { clearCopyTarget } from "./copy-target.ts";
import { rebasePlace } from "./rebase-place.ts";
import type { Relocation } from "./relocation.ts";
import type { UndoJob } from "./undo-job.ts";

/**
 * Puts one x86-64 relocation and its place back. RELA tables carry the addend, so a place that
 * took a symbol's value held 0, except where gold linked the file: gold writes the addend of
 * R_X86_64_64 to the place as well.
 */
export function undoTargetX64(job: UndoJob, relocation: Relocation, slot: () => bigint | undefined): void {
  const { out } = job;
  const { offset, type } = relocation;
  const prelinkedAddend = relocation.addend ?? 0n;
  const rebased = type === RX64.relative || type === RX64.irelative;
  const addend = rebased ? job.map.toOriginal(prelinkedAddend) : prelinkedAddend;
  out.setWord(relocation.entryAt + 16, addend);
  if (offset === undefined) return;
  switch (type) {
    case RX64.relative:
      if (out.word(offset) === prelinkedAddend) out.setWord(offset, addend);
      return;
    case RX64.irelative:
      rebasePlace(job, offset);
      return;
    case RX64.jumpSlot: {
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
  switch (relocation.type) {
    case RX64.abs64:
      out.setWord(offset, job.linkedByGold ? (relocation.addend ?? 0n) : 0n);
      return;
    case RX64.globDat:
    case RX64.dtpmod64:
    case RX64.dtpoff64:
    case RX64.tpoff64:
      out.setWord(offset, 0n);
      return;
    case RX64.abs32:
    case RX64.pc32:
      out.setU32(offset, 0);
      return;
    case RX64.copy:
      clearCopyTarget(job, relocation, offset);
      return;
    default: // R_X86_64_NONE and whatever prelink does not touch
  }
}
