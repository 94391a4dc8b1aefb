import type { DayParts } from "./civil-day.ts";
import { cut, cutAtSpaces, DAY, HOUR, MINUTE, MONTH, parseNumber, parseRange, scheduleError, WEEKDAY, YEAR, type FieldRange, type Piece } from "./schedule-text.ts";
import type { Schedule } from "./schedule.ts";

type DayTest = (day: DayParts) => boolean;

/** Reads a calendar expression: optional weekdays, optional date, time of day. @throws FleetError `bad-schedule`. */
export function parseCalendar(text: string): Schedule {
  const pieces = cutAtSpaces(text);
  const time = pieces.pop();
  if (time === undefined || !time.text.includes(":")) throw scheduleError(text, time?.position ?? 0, "the time of day comes last", "write for example Sat 23:30");
  const tests: DayTest[] = [];
  if (pieces[0] !== undefined && /^[a-z]/iu.test(pieces[0].text)) tests.push(parseWeekdays(text, pieces.shift() ?? time));
  const date = pieces.shift();
  if (date !== undefined) tests.push(parseDate(text, date));
  if (pieces[0] !== undefined) throw scheduleError(text, pieces[0].position, `${JSON.stringify(pieces[0].text)} is one part too many`, "write weekdays, then a date, then the time");
  const minutes = cut(time, ",").map((item) => parseTime(text, item));
  return { text, matchesDay: (day) => tests.every((test) => test(day)), minutes: [...new Set(minutes)].sort((a, b) => a - b) };
}

function parseWeekdays(text: string, piece: Piece): DayTest {
  const weekdays = new Set(parseList(text, piece, { ...WEEKDAY, max: 6 }));
  return ({ weekday }) => weekdays.has(weekday);
}

function parseDate(text: string, piece: Piece): DayTest {
  const parts = cut(piece, "-");
  const [day, month, year, tooMuch] = parts.toReversed();
  if (day === undefined || month === undefined || tooMuch !== undefined) {
    throw scheduleError(text, piece.position, `${JSON.stringify(piece.text)} is not a date`, "write year-month-day or month-day, with * for any and 1..7 for a range");
  }
  const days = parsePart(text, day, DAY);
  const months = parsePart(text, month, MONTH);
  const years = year === undefined ? null : parsePart(text, year, YEAR);
  if (days !== null && months !== null && Math.min(...days) > Math.max(...[...months].map((m) => LONGEST_MONTH[m - 1] ?? 31))) {
    throw scheduleError(text, day.position, "there is no such day", "this day of the month is in none of these months");
  }
  return (date) => (days?.has(date.day) ?? true) && (months?.has(date.month) ?? true) && (years?.has(date.year) ?? true);
}

const LONGEST_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** The numbers of one part of a date; null for any. */
function parsePart(text: string, piece: Piece, range: FieldRange): Set<number> | null {
  return piece.text === "*" ? null : new Set(parseList(text, piece, range));
}

function parseList(text: string, piece: Piece, range: FieldRange): number[] {
  return cut(piece, ",").flatMap((item) => {
    const [from = item, to, more] = cut(item, "..");
    if (more !== undefined) throw scheduleError(text, more.position - 2, "a range has two ends", "write for example 1..7");
    return to === undefined ? [parseNumber(text, from, range)] : parseRange(text, [from, to], 1, range.name === WEEKDAY.name ? WEEKDAY : range);
  });
}

function parseTime(text: string, piece: Piece): number {
  const [hour = piece, minute, more] = cut(piece, ":");
  if (minute === undefined || more !== undefined) throw scheduleError(text, piece.position, `${JSON.stringify(piece.text)} is not a time of day`, "write hours and minutes, such as 02:30");
  return parseNumber(text, hour, HOUR) * 60 + parseNumber(text, minute, MINUTE);
}
