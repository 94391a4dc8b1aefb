import { CatalogError } from "../catalog-error.ts";
import { SHF, SHT } from "../elf/elf-constants.ts";
import { lazySlotValue } from "./procedure-linkage.ts";
import type { ProcedureLinkage } from "./procedure-linkage.ts";
import type { Relocation } from "./relocation.ts";
import type { UndoJob } from "./undo-job.ts";
import { undoTargetI386 } from "./undo-target-i386.ts";
import { undoTargetX64 } from "./undo-target-x64.ts";

/** Puts every dynamic relocation table and every place it relocates back. */
export function undoRelocations(job: UndoJob, linkage: ProcedureLinkage): void {
  for (const [index, now] of job.elf.sections.entries()) {
    const target = job.match[index];
    const before = target === undefined ? undefined : job.original.sections[target];
    if (before === undefined || (before.flags & SHF.alloc) === 0) continue;
    if (before.type !== SHT.rel && before.type !== SHT.rela) continue;
    const word = job.out.wordSize;
    const nowSize = now.type === SHT.rela ? 3 * word : 2 * word;
    const beforeSize = before.type === SHT.rela ? 3 * word : 2 * word;
    const count = Math.floor(before.size / beforeSize);
    if (count * nowSize > now.size) throw new CatalogError("prelink-undo-mismatch", "a relocation table lost entries");
    for (let i = 0; i < count; i++) {
      const relocation = readRelocation(job, now.offset + i * nowSize, now.type === SHT.rela, before.offset + i * beforeSize);
      job.out.setWord(relocation.entryAt, relocation.place);
      job.out.setWord(relocation.entryAt + word, job.file.word(now.offset + i * nowSize + word));
      undoTarget(job, linkage, relocation);
    }
  }
}

function readRelocation(job: UndoJob, at: number, isRela: boolean, entryAt: number): Relocation {
  const { file } = job;
  const word = file.wordSize;
  const place = job.map.toOriginal(file.word(at));
  const info = file.word(at + word);
  const where = job.locate(place);
  return {
    place,
    offset: where?.offset,
    section: where?.section ?? -1,
    type: Number(file.is64 ? info & 0xffffffffn : info & 0xffn),
    symbol: Number(file.is64 ? info >> 32n : info >> 8n),
    addend: isRela ? file.word(at + 2 * word) : undefined,
    entryAt,
  };
}

function undoTarget(job: UndoJob, linkage: ProcedureLinkage, relocation: Relocation): void {
  const slot = () => (job.mode === "undo" ? lazySlotValue(job, linkage, relocation.place) : undefined);
  if (job.out.is64) undoTargetX64(job, relocation, slot);
  else undoTargetI386(job, relocation, slot);
}
