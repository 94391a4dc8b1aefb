/** Numbers of the System V ABI (gABI chapters 4 and 5) and its GNU extensions (glibc's elf.h). */
export const ET = { exec: 2, dyn: 3 } as const;
export const EM = { i386: 3, x86_64: 62 } as const;

export const SHT = {
  null: 0,
  progbits: 1,
  symtab: 2,
  strtab: 3,
  rela: 4,
  hash: 5,
  dynamic: 6,
  note: 7,
  nobits: 8,
  rel: 9,
  dynsym: 11,
  gnuHash: 0x6ffffff6,
  gnuVerdef: 0x6ffffffd,
  gnuVerneed: 0x6ffffffe,
  gnuVersym: 0x6fffffff,
} as const;

export const SHF = { alloc: 2, tls: 0x400, compressed: 0x800 } as const;

export const SHN = { undef: 0, loreserve: 0xff00, abs: 0xfff1 } as const;

export const STT = { func: 2, tls: 6 } as const;

export const PT = { load: 1, gnuStack: 0x6474e551 } as const;

export const DT = {
  null: 0,
  needed: 1,
  pltgot: 3,
  hash: 4,
  strtab: 5,
  symtab: 6,
  rela: 7,
  relasz: 8,
  relaent: 9,
  init: 12,
  fini: 13,
  rel: 17,
  relsz: 18,
  relent: 19,
  jmprel: 23,
  initArray: 25,
  finiArray: 26,
  preinitArray: 32,
  gnuPrelinked: 0x6ffffdf5,
  gnuConflictsz: 0x6ffffdf6,
  gnuLiblistsz: 0x6ffffdf7,
  checksum: 0x6ffffdf8,
  addrRangeLow: 0x6ffffe00,
  gnuHash: 0x6ffffef5,
  gnuConflict: 0x6ffffef8,
  gnuLiblist: 0x6ffffef9,
  addrRangeHigh: 0x6ffffeff,
  versym: 0x6ffffff0,
  relacount: 0x6ffffff9,
  relcount: 0x6ffffffa,
  verdef: 0x6ffffffc,
  verneed: 0x6ffffffe,
} as const;

export const R386 = {
  abs32: 1,
  pc32: 2,
  copy: 5,
  globDat: 6,
  jmpSlot: 7,
  relative: 8,
  tlsTpoff: 14,
  tlsDtpmod32: 35,
  tlsDtpoff32: 36,
  tlsTpoff32: 37,
  irelative: 42,
} as const;

export const RX64 = {
  abs64: 1,
  pc32: 2,
  copy: 5,
  globDat: 6,
  jumpSlot: 7,
  relative: 8,
  abs32: 10,
  dtpmod64: 16,
  dtpoff64: 17,
  tpoff64: 18,
  irelative: 37,
} as const;
