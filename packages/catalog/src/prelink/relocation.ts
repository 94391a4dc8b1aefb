/** One relocation in original terms, beside what prelink's table says about it. */
export interface Relocation {
  /** Original address of the place it relocates. */
  place: bigint;
  /** File offset of that place in the original; undefined in `.bss`. */
  offset: number | undefined;
  /** Original section of that place; -1 in `.bss`. */
  section: number;
  type: number;
  /** Index in `.dynsym`. */
  symbol: number;
  /** The addend as it stands in the prelinked file; undefined in REL tables. */
  addend: bigint | undefined;
  /** Byte of the original file where the entry is written. */
  entryAt: number;
}
