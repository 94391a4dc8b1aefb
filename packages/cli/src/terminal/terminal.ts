/** What a stream can show. */
export interface Terminal {
  readonly isTerminal: boolean;
  /** Columns; Infinity when nobody's screen is at the other end. */
  readonly width: number;
  readonly style: Style;
}

interface Style {
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly good: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly bad: (text: string) => string;
}

interface OutputStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Colours only on a terminal, and never where NO_COLOR (https://no-color.org) is set to anything. */
export function describeTerminal(stream: OutputStream, environment: Readonly<Record<string, string | undefined>>): Terminal {
  const isTerminal = stream.isTTY === true;
  const isColoured = isTerminal && (environment["NO_COLOR"] ?? "") === "" && environment["TERM"] !== "dumb";
  const sgr = (open: number, close: number) => (text: string) => (isColoured ? `\u{1b}[${open}m${text}\u{1b}[${close}m` : text);
  return {
    isTerminal,
    // 80 where a terminal does not say: what terminals have been since the VT100.
    width: isTerminal ? stream.columns || 80 : Infinity,
    style: { bold: sgr(1, 22), dim: sgr(2, 22), good: sgr(32, 39), warn: sgr(33, 39), bad: sgr(31, 39) },
  };
}
