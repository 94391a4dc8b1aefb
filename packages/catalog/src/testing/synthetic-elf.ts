import { DT, EM, ET, PT, RX64, SHF, SHT } from "../elf/elf-constants.ts";

/** A small shared library and the same prelinked, written by hand so that tests need no toolchain and no binaries. */
export interface SyntheticElf {
  original: Buffer;
  prelinked: Buffer;
}

interface Section {
  name: string;
  type: number;
  flags: number;
  entsize: number;
  link: number;
  data: Buffer;
}

const page = 0x1000;
/** Where the prelinked one stands, as prelink chooses on x86-64. */
const base = 0x3000200000n;

/**
 * An x86-64 library with a symbol, a RELATIVE and a GLOB_DAT relocation; prelinked by the rules
 * prelink follows: moved, relocated, tags added, headers kept in `.gnu.prelink_undo`.
 */
export function syntheticElf(): SyntheticElf {
  const original = assemble(0n, false);
  const undo = Buffer.concat([
    original.file.subarray(0, 64),
    original.file.subarray(64, 64 + 2 * 56),
    original.file.subarray(original.shoff + 64),
  ]);
  return { original: original.file, prelinked: assemble(base, true, undo).file };
}

function assemble(at: bigint, prelinked: boolean, undo?: Buffer): { file: Buffer; shoff: number } {
  const addresses = { dynsym: 0x100, dynstr: 0x130, rela: 0x140, dynamic: 0x200, got: 0x300, data: 0x318 };
  const sections = loaded(at, prelinked, addresses);
  if (undo !== undefined) {
    sections.push({ name: ".gnu.liblist", type: 0x6ffffff7, flags: 0, entsize: 20, link: 8, data: Buffer.alloc(20) });
    sections.push({ name: ".gnu.libstr", type: SHT.strtab, flags: 0, entsize: 0, link: 0, data: Buffer.from("\0libc.so.6\0") });
    sections.push({ name: ".gnu.prelink_undo", type: SHT.progbits, flags: 0, entsize: 1, link: 0, data: undo });
  }
  const strings = stringTable(sections, prelinked);
  sections.push({ name: ".shstrtab", type: SHT.strtab, flags: 0, entsize: 0, link: 0, data: strings.table });
  return lay(sections, strings.offsets, at);
}

function loaded(at: bigint, prelinked: boolean, a: Record<"dynsym" | "dynstr" | "rela" | "dynamic" | "got" | "data", number>): Section[] {
  const address = (offset: number) => at + BigInt(offset);
  const dynsym = words([0n, 0n, 0n, 0x0006_00_11_00000001n, address(a.data), 8n]);
  const rela = words([
    address(a.data), BigInt(RX64.relative), address(a.data + 8),
    address(a.got), (1n << 32n) | BigInt(RX64.globDat), 0n,
  ]); // prettier-ignore
  const tags: [number, bigint][] = [
    [DT.strtab, address(a.dynstr)],
    [DT.symtab, address(a.dynsym)],
    [DT.rela, address(a.rela)],
    [DT.relasz, 48n],
    [DT.relaent, 24n],
  ];
  if (prelinked) tags.push([DT.checksum, 0x12345678n], [DT.gnuPrelinked, 1_500_000_000n]);
  const dynamic = Buffer.alloc(16 * 10);
  words(tags.flatMap(([tag, value]) => [BigInt(tag), value])).copy(dynamic);
  const relro = SHF.alloc | 1;
  return [
    { name: ".dynsym", type: SHT.dynsym, flags: SHF.alloc, entsize: 24, link: 2, data: dynsym },
    { name: ".dynstr", type: SHT.strtab, flags: SHF.alloc, entsize: 0, link: 0, data: Buffer.from("\0value\0") },
    { name: ".rela.dyn", type: SHT.rela, flags: SHF.alloc, entsize: 24, link: 1, data: rela },
    { name: ".dynamic", type: SHT.dynamic, flags: relro, entsize: 16, link: 2, data: dynamic },
    { name: ".got", type: SHT.progbits, flags: relro, entsize: 8, link: 0, data: words([prelinked ? address(a.data) : 0n]) },
    { name: ".data", type: SHT.progbits, flags: relro, entsize: 0, link: 0, data: words([address(a.data + 8), 0x5a5an]) },
  ];
}

/** Offsets of loaded sections are fixed, for addresses appear in their contents. */
const places = new Map([
  [".dynsym", 0x100], [".dynstr", 0x130], [".rela.dyn", 0x140], [".dynamic", 0x200], [".got", 0x300], [".data", 0x318],
]); // prettier-ignore

function lay(sections: Section[], names: Map<string, number>, at: bigint): { file: Buffer; shoff: number } {
  let end = 0x328;
  const headers = [Buffer.alloc(64)];
  const bodies: { offset: number; data: Buffer }[] = [];
  for (const section of sections) {
    const offset = places.get(section.name) ?? end;
    end = Math.max(end, offset + section.data.length);
    bodies.push({ offset, data: section.data });
    const header = Buffer.alloc(64);
    header.writeUInt32LE(names.get(section.name) ?? 0, 0);
    header.writeUInt32LE(section.type, 4);
    const address = (section.flags & SHF.alloc) === 0 ? 0n : at + BigInt(offset);
    words([BigInt(section.flags), address, BigInt(offset), BigInt(section.data.length)]).copy(header, 8);
    header.writeUInt32LE(section.link, 40);
    words([8n, BigInt(section.entsize)]).copy(header, 48);
    headers.push(header);
  }
  const shoff = (end + 7) & ~7;
  const file = Buffer.alloc(shoff + 64 * headers.length);
  for (const { offset, data } of bodies) data.copy(file, offset);
  Buffer.concat(headers).copy(file, shoff);
  elfHeader(shoff, headers.length).copy(file);
  programHeader(PT.load, at, 0x328).copy(file, 64);
  programHeader(PT.gnuStack, 0n, 0).copy(file, 64 + 56);
  return { file, shoff };
}

function elfHeader(shoff: number, shnum: number): Buffer {
  const header = Buffer.alloc(64);
  Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
  header.writeUInt16LE(ET.dyn, 16);
  header.writeUInt16LE(EM.x86_64, 18);
  header.writeUInt32LE(1, 20);
  words([0n, 64n, BigInt(shoff)]).copy(header, 24);
  for (const [index, value] of [64, 56, 2, 64, shnum, shnum - 1].entries()) header.writeUInt16LE(value, 52 + 2 * index);
  return header;
}

function programHeader(type: number, at: bigint, size: number): Buffer {
  const header = Buffer.alloc(56);
  header.writeUInt32LE(type, 0);
  header.writeUInt32LE(6, 4);
  words([0n, at, at, BigInt(size), BigInt(size), BigInt(page)]).copy(header, 8);
  return header;
}

/** prelink appends its names behind the original ones. */
function stringTable(sections: Section[], prelinked: boolean): { table: Buffer; offsets: Map<string, number> } {
  const own = sections.filter((section) => !section.name.startsWith(".gnu.")).map((section) => section.name);
  const added = prelinked ? sections.filter((section) => section.name.startsWith(".gnu.")).map((section) => section.name) : [];
  const offsets = new Map<string, number>();
  let table = "\0";
  for (const name of [...own, ".shstrtab", ...added]) {
    offsets.set(name, table.length);
    table += `${name}\0`;
  }
  return { table: Buffer.from(table, "latin1"), offsets };
}

function words(values: bigint[]): Buffer {
  const buffer = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) buffer.writeBigUInt64LE(BigInt.asUintN(64, value), 8 * index);
  return buffer;
}
