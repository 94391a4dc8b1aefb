import { CatalogError } from "../catalog-error.ts";
import { moveAddress } from "./dwarf-job.ts";
import type { DwarfJob } from "./dwarf-job.ts";
import { DwarfCursor } from "./dwarf-cursor.ts";

/**
 * Operands of each operation that has any, one letter each: `a` address, `1248` that many bytes,
 * `l` LEB128, `o` section offset (an address in DWARF 2), `b` block with LEB128 length, `c` block
 * with one-byte length, `e` expression with LEB128 length.
 */
const operandsOf = new Map<number, string>([
  [0x03, "a"], // DW_OP_addr
  [0x08, "1"], [0x09, "1"], [0x0a, "2"], [0x0b, "2"], [0x0c, "4"], [0x0d, "4"], [0x0e, "8"], [0x0f, "8"], // const1u … const8s
  [0x10, "l"], [0x11, "l"], [0x15, "1"], [0x23, "l"], [0x28, "2"], [0x2f, "2"], // constu, consts, pick, plus_uconst, bra, skip
  [0x90, "l"], [0x91, "l"], [0x92, "ll"], [0x93, "l"], [0x94, "1"], [0x95, "1"], // regx, fbreg, bregx, piece, deref_size, xderef_size
  [0x98, "2"], [0x99, "4"], [0x9a, "o"], [0x9d, "ll"], [0x9e, "b"], // call2, call4, call_ref, bit_piece, implicit_value
  [0xf2, "ol"], [0xf3, "e"], [0xf4, "lc"], [0xf5, "ll"], [0xf6, "1l"], [0xf7, "l"], [0xf9, "l"], [0xfa, "4"], // GNU, before DWARF 5
]); // prettier-ignore

/** Operations without operands, as inclusive ranges. */
const bare: readonly (readonly [number, number])[] = [
  [0x06, 0x06], [0x12, 0x22], [0x24, 0x27], [0x29, 0x2e], [0x30, 0x6f], [0x96, 0x97], [0x9b, 0x9c], [0x9f, 0x9f], [0xe0, 0xe0], [0xf0, 0xf0],
]; // prettier-ignore

/** Expressions nest only in GNU entry values, once in practice. */
const deepest = 4;

/**
 * Moves DW_OP_addr operands of a location expression (DWARF 4 section 7.7.1).
 * @throws CatalogError `elf-unsupported` at an operation of unknown length.
 */
export function rebaseExpression(job: DwarfJob, cursor: DwarfCursor, version: number, depth = 0): void {
  if (depth > deepest) throw new CatalogError("elf-malformed", "location expressions nest too deep");
  while (!cursor.done) {
    for (const operand of operands(cursor.u8())) rebaseOperand(job, cursor, operand, version, depth);
  }
}

function operands(operation: number): string {
  const known = operandsOf.get(operation);
  if (known !== undefined) return known;
  if (operation >= 0x70 && operation <= 0x8f) return "l"; // breg0 … breg31
  if (bare.some(([first, last]) => operation >= first && operation <= last)) return "";
  throw new CatalogError("elf-unsupported", `DWARF operation 0x${operation.toString(16)}`);
}

function rebaseOperand(job: DwarfJob, cursor: DwarfCursor, operand: string, version: number, depth: number): void {
  const { bytes } = cursor;
  switch (operand) {
    case "a":
      moveAddress(job, cursor.skip(bytes.wordSize));
      return;
    case "l":
      cursor.skipLeb();
      return;
    case "o":
      cursor.skip(version <= 2 ? bytes.wordSize : 4);
      return;
    case "b":
      cursor.skip(cursor.uleb());
      return;
    case "c":
      cursor.skip(cursor.u8());
      return;
    case "e": {
      const size = cursor.uleb();
      const from = cursor.skip(size);
      rebaseExpression(job, new DwarfCursor(bytes, from, from + size), version, depth + 1);
      return;
    }
    default:
      cursor.skip(Number(operand));
  }
}
