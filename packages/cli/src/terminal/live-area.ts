import { stripVTControlCharacters } from "node:util";
import { describeTerminal, type Terminal } from "./terminal.ts";
import { cutMiddle, textWidth } from "./text-width.ts";

interface WritableTerminal {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Lines that stay, above lines that are redrawn in place (on a terminal only). */
export interface LiveArea {
  readonly terminal: Terminal;
  /** A line that stays. */
  line(text: string): void;
  /** Replaces the redrawn lines. Does nothing where there is no terminal. */
  redraw(lines: readonly string[]): void;
  /** Takes the redrawn lines away. */
  clear(): void;
}

/** A live area over a stream; only one may draw on a stream at a time. */
export function liveArea(stream: WritableTerminal, environment: Readonly<Record<string, string | undefined>>): LiveArea {
  let drawn = 0;
  const terminal = (): Terminal => describeTerminal(stream, environment);
  const erase = (): string => (drawn === 0 ? "" : `\u{1b}[${drawn}A\u{1b}[J`);
  return {
    // Asked anew each time: the operator may resize the window.
    get terminal() {
      return terminal();
    },
    line(text) {
      stream.write(`${erase()}${text}\n`);
      drawn = 0;
    },
    redraw(lines) {
      const { isTerminal, width } = terminal();
      if (!isTerminal) return;
      // A wrapped line would take two rows and break the counting, so long lines lose their colours and are cut.
      const fitted = lines.map((line) => (textWidth(line) < width ? line : cutMiddle(stripVTControlCharacters(line), width - 1)));
      stream.write(`${erase()}${fitted.map((line) => `${line}\n`).join("")}`);
      drawn = fitted.length;
    },
    clear() {
      if (drawn > 0) stream.write(erase());
      drawn = 0;
    },
  };
}

/** Where nothing may be shown. */
export const silentArea: LiveArea = {
  terminal: describeTerminal({}, {}),
  line: () => {},
  redraw: () => {},
  clear: () => {},
};
