import { CatalogError } from "../catalog-error.ts";
import { moveAddress } from "./dwarf-job.ts";
import type { DwarfJob } from "./dwarf-job.ts";
import { DwarfCursor } from "./dwarf-cursor.ts";

const DW_LNE_setAddress = 0x02;
const DW_LNS_fixedAdvancePc = 0x09;

/** Moves the operand of every DW_LNE_set_address in `.debug_line` (DWARF 4 section 6.2). */
export function rebaseLines(job: DwarfJob): void {
  const section = job.section(".debug_line");
  if (section === undefined) return;
  const cursor = new DwarfCursor(job.bytes, section.offset, section.offset + section.size);
  while (!cursor.done) {
    const length = cursor.unitLength();
    rebaseLineUnit(job, new DwarfCursor(job.bytes, cursor.at, cursor.skip(length) + length));
  }
}

function rebaseLineUnit(job: DwarfJob, unit: DwarfCursor): void {
  const version = unit.u16();
  if (version < 2 || version > 4) throw new CatalogError("elf-unsupported", `line table of DWARF ${version}`);
  const headerLength = unit.u32();
  const header = new DwarfCursor(job.bytes, unit.at, unit.skip(headerLength) + headerLength);
  header.skip(version >= 4 ? 5 : 4); // instruction length, operations per instruction, default_is_stmt, line_base, line_range
  const opcodeBase = header.u8();
  const operands = Array.from({ length: Math.max(0, opcodeBase - 1) }, () => header.u8());
  while (!unit.done) {
    const opcode = unit.u8();
    if (opcode >= opcodeBase) continue;
    if (opcode === 0) {
      const size = unit.uleb();
      const code = unit.skip(size);
      if (size === 1 + job.bytes.wordSize && job.bytes.u8(code) === DW_LNE_setAddress) moveAddress(job, code + 1);
    } else if (opcode === DW_LNS_fixedAdvancePc) {
      unit.skip(2);
    } else {
      for (let i = operands[opcode - 1] ?? 0; i > 0; i--) unit.skipLeb();
    }
  }
}
