import type { ElfBytes } from "../elf/elf-bytes.ts";
import type { SectionHeader } from "../elf/elf-headers.ts";

/** What the rebasing of debug sections needs to know: where they are and how addresses move. */
export interface DwarfJob {
  bytes: ElfBytes;
  /** A debug section by name; undefined when the file lacks it. */
  section: (name: string) => SectionHeader | undefined;
  /** Translates an address; one that the object does not span was not moved and comes back as it is. */
  move: (address: bigint) => bigint;
}

/** Moves the address at byte `at`. */
export function moveAddress(job: DwarfJob, at: number): void {
  const value = job.bytes.word(at);
  const moved = job.move(value);
  if (moved !== value) job.bytes.setWord(at, moved);
}
