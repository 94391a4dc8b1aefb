import type { Terminal } from "./terminal.ts";
import { cutMiddle, printable, textWidth } from "./text-width.ts";

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly align?: "right";
  /** May be cut when the terminal is narrow. Numbers never are: half a number is a lie. */
  readonly shrinks?: boolean;
  readonly tone?: (row: Row, terminal: Terminal) => (text: string) => string;
}

const gap = 2;
// Below this a cut text tells nothing.
const leastWidth = 8;

/** Lays rows out in columns that fit the terminal, cutting the widest shrinkable column first. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[], terminal: Terminal): string[] {
  const cells = rows.map((row) => columns.map((column) => printable(column.cell(row))));
  const widths = columns.map((column, at) => Math.max(textWidth(column.title), ...cells.map((line) => textWidth(line[at] ?? ""))));
  shrink(widths, columns, terminal.width);
  const lay = (texts: readonly string[], paint: (text: string, at: number) => string): string =>
    texts
      .map((text, at) => {
        const width = widths[at] ?? 0;
        const fitted = columns[at]?.shrinks === true ? cutMiddle(text, width) : text;
        const padding = " ".repeat(Math.max(0, width - textWidth(fitted)));
        return columns[at]?.align === "right" ? padding + paint(fitted, at) : paint(fitted, at) + padding;
      })
      .join(" ".repeat(gap))
      .trimEnd();
  const head = lay(columns.map(({ title }) => title), (title) => terminal.style.bold(title));
  return [head, ...cells.map((line, index) => lay(line, (cell, at) => {
    const row = rows[index];
    const tone = row === undefined ? undefined : columns[at]?.tone?.(row, terminal);
    return tone === undefined ? cell : tone(cell);
  }))];
}

function shrink<Row>(widths: number[], columns: readonly Column<Row>[], available: number): void {
  let excess = widths.reduce((sum, width) => sum + width, 0) + gap * (columns.length - 1) - available;
  while (excess > 0) {
    let widest = -1;
    for (const [at, column] of columns.entries()) {
      if (column.shrinks === true && (widths[at] ?? 0) > leastWidth && (widest < 0 || (widths[at] ?? 0) > (widths[widest] ?? 0))) widest = at;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
}
