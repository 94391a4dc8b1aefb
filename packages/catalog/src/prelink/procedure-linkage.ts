import { DT } from "../elf/elf-constants.ts";
import { dynamicEntries } from "./dynamic-entries.ts";
import type { UndoJob } from "./undo-job.ts";

/** The global offset table's head, as prelink left it. */
export interface ProcedureLinkage {
  /** Original address of the table DT_PLTGOT names; undefined when there is none. */
  got: bigint | undefined;
  /** What GOT[1] held: the original address of .plt+0x16, 0 when prelink did not set it. */
  firstSlot: bigint;
}

/** `endbr64` and `endbr32` (Intel SDM vol. 2A): what an entry of a PLT built for indirect branch tracking starts with. */
const endbr = [Buffer.from([0xf3, 0x0f, 0x1e, 0xfa]), Buffer.from([0xf3, 0x0f, 0x1e, 0xfb])];

/** Bytes of a PLT entry on both machines. */
const pltEntry = 16n;

/**
 * Reads what prelink keeps in GOT[1] (.plt+0x16, for its own undo), clears it, and rebases GOT[0],
 * the address of `.dynamic`. Must run after undoDynamic, which rebases DT_PLTGOT.
 */
export function undoGotHead(job: UndoJob): ProcedureLinkage {
  const { out } = job;
  const got = dynamicEntries(out, job.original.sections).find((entry) => entry.tag === BigInt(DT.pltgot))?.value;
  const place = got === undefined ? undefined : job.locate(got);
  if (place === undefined) return { got, firstSlot: 0n };
  const head = out.word(place.offset);
  if (head !== 0n) out.setWord(place.offset, job.map.toOriginal(head));
  if (job.mode === "move") return { got, firstSlot: 0n };
  const kept = out.word(place.offset + out.wordSize);
  out.setWord(place.offset + out.wordSize, 0n);
  return { got, firstSlot: kept === 0n ? 0n : job.map.toOriginal(kept) };
}

/**
 * What a lazily bound slot held before: the address of its PLT entry's second instruction, 6 bytes
 * in; or, in a PLT built for indirect branch tracking, of the entry's own endbr (prelink's undo
 * misses that).
 * @param slot original address of the slot, which lies behind the three reserved words of the table
 * @returns undefined when prelink left GOT[1] empty, so that the slot was only moved
 */
export function lazySlotValue(job: UndoJob, linkage: ProcedureLinkage, slot: bigint): bigint | undefined {
  if (linkage.got === undefined || linkage.firstSlot === 0n) return undefined;
  const word = BigInt(job.out.wordSize);
  const entries = (slot - linkage.got - 3n * word) / word;
  const lazy = linkage.firstSlot + entries * pltEntry;
  const entry = lazy - 6n;
  const place = job.locate(entry);
  if (place === undefined || place.offset + 4 > job.out.length) return lazy;
  return endbr.some((code) => job.out.slice(place.offset, 4).equals(code)) ? entry : lazy;
}
