import { stripVTControlCharacters } from "node:util";

let graphemes: Intl.Segmenter | undefined;
/** Made when first needed: it costs more than starting a command. */
function segmentsOf(text: string): Iterable<{ readonly segment: string }> {
  graphemes ??= new Intl.Segmenter("en", { granularity: "grapheme" });
  return graphemes.segment(text);
}
// Printable ASCII, which nearly every text is: a column each.
const plain = /^[ -~]*$/u;
// East Asian Wide and Fullwidth blocks, and emoji: two columns on every terminal in use (Unicode UAX #11).
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** Columns that a text takes on a terminal; colour codes take none. */
export function textWidth(text: string): number {
  if (plain.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmentsOf(stripVTControlCharacters(text))) width += wide.test(segment) ? 2 : 1;
  return width;
}

/** Cuts the middle out of a plain text, so that both the start and the end of a path stay readable. */
export function cutMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  const parts = [...segmentsOf(text)].map(({ segment }) => segment);
  const tail = Math.floor((width - 1) / 2);
  const head = width - 1 - tail;
  return `${takeColumns(parts, head)}…${takeColumns(parts.reverse(), tail, true)}`;
}

function takeColumns(parts: readonly string[], columns: number, isReversed = false): string {
  const taken: string[] = [];
  let used = 0;
  for (const part of parts) {
    used += wide.test(part) ? 2 : 1;
    if (used > columns) break;
    taken.push(part);
  }
  return (isReversed ? taken.reverse() : taken).join("");
}

/** Names come from guests and hosts: a control character in one must not reach the operator's terminal. */
export function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (char) => `\\x${char.codePointAt(0)?.toString(16).padStart(2, "0")}`);
}
