import { FleetError } from "../fleet-error.ts";

/** A piece of a schedule's text and where it stands in it. */
export interface Piece {
  readonly text: string;
  readonly position: number;
}

/** The numbers a field may have, and the words that stand for some of them. */
export interface FieldRange {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Lower-case words for min, min + 1, …. */
  readonly words?: readonly string[];
}

export const MINUTE: FieldRange = { name: "minute", min: 0, max: 59 };
export const HOUR: FieldRange = { name: "hour", min: 0, max: 23 };
export const DAY: FieldRange = { name: "day of the month", min: 1, max: 31 };
export const MONTH: FieldRange = { name: "month", min: 1, max: 12, words: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] };
/** 7 is Sunday too, as in crontab(5). */
export const WEEKDAY: FieldRange = { name: "weekday", min: 0, max: 7, words: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };
export const YEAR: FieldRange = { name: "year", min: 1970, max: 2199 };

/** Cuts a text at a separator, keeping positions. */
export function cut(piece: Piece, separator: string): Piece[] {
  const pieces: Piece[] = [];
  let position = piece.position;
  for (const text of piece.text.split(separator)) {
    pieces.push({ text, position });
    position += text.length + separator.length;
  }
  return pieces;
}

/** Cuts a schedule's text at its spaces. */
export function cutAtSpaces(text: string): Piece[] {
  return [...text.matchAll(/\S+/gu)].map((match) => ({ text: match[0], position: match.index }));
}

/** One number or word of a field. @throws FleetError `bad-schedule`. */
export function parseNumber(schedule: string, piece: Piece, range: FieldRange): number {
  const word = range.words?.indexOf(piece.text.toLowerCase()) ?? -1;
  if (word >= 0) return range.min + word;
  const value = /^\d{1,4}$/u.test(piece.text) ? Number(piece.text) : Number.NaN;
  if (value >= range.min && value <= range.max) return value;
  const words = range.words === undefined ? "" : `, or ${range.words[0]} … ${range.words.at(-1)}`;
  throw scheduleError(schedule, piece.position, piece.text === "" ? `a ${range.name} is missing` : `${JSON.stringify(piece.text)} is not a ${range.name}`, `it is ${range.min}–${range.max}${words}`);
}

/** The numbers from a to b, in steps. A range of weekdays may go round the end of the week. @throws FleetError `bad-schedule`. */
export function parseRange(schedule: string, [from, to]: readonly [Piece, Piece], step: number, range: FieldRange): number[] {
  const first = parseNumber(schedule, from, range);
  let last = parseNumber(schedule, to, range);
  if (last < first && range === WEEKDAY) last += 7;
  if (last < first) throw scheduleError(schedule, from.position, `the range ${from.text} to ${to.text} goes backwards`, "write it as two ranges");
  const values: number[] = [];
  for (let value = first; value <= last; value += step) values.push(range === WEEKDAY ? value % 7 : value);
  return values;
}

/** @param position where in the schedule's text the mistake is; 0 is its first character. */
export function scheduleError(schedule: string, position: number, message: string, hint: string): FleetError {
  return new FleetError("bad-schedule", schedule, `schedule ${JSON.stringify(schedule)}, position ${position + 1}: ${message}`, hint, position);
}
