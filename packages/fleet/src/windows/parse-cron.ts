import { partsOf, type DayParts } from "./civil-day.ts";
import { cut, cutAtSpaces, DAY, HOUR, MINUTE, MONTH, parseNumber, parseRange, scheduleError, WEEKDAY, type FieldRange, type Piece } from "./schedule-text.ts";
import type { Schedule } from "./schedule.ts";

type DayTest = (day: DayParts) => boolean;

/** Reads five cron fields. @throws FleetError `bad-schedule`. */
export function parseCron(text: string): Schedule {
  const fields = cutAtSpaces(text);
  const [minute, hour, day, month, weekday] = fields;
  if (minute === undefined || hour === undefined || day === undefined || month === undefined || weekday === undefined || fields.length > 5) {
    throw scheduleError(text, fields[5]?.position ?? text.length, `cron has 5 fields, here are ${fields.length}`, "minute hour day month weekday, for example 30 23 * * sat; or a calendar time such as Sat 23:30");
  }
  const minutes = parseField(text, minute, MINUTE);
  const hours = parseField(text, hour, HOUR);
  const months = new Set(parseField(text, month, MONTH));
  const inDays = parseDays(text, day);
  const onWeekdays = parseWeekdays(text, weekday);
  // crontab(5): a field that begins with * restricts nothing by itself, so the other one decides; two that restrict are either-or.
  const either = !day.text.startsWith("*") && !weekday.text.startsWith("*");
  const schedule: Schedule = {
    text,
    matchesDay: (date) => months.has(date.month) && (either ? inDays(date) || onWeekdays(date) : inDays(date) && onWeekdays(date)),
    minutes: hours.flatMap((h) => minutes.map((m) => h * 60 + m)).sort((a, b) => a - b),
  };
  if (!everMatches(schedule)) throw scheduleError(text, day.position, "there is no such day", "this day of the month is in none of these months");
  return schedule;
}

/** The Gregorian calendar's weekdays repeat after 28 years within a century. */
function everMatches({ matchesDay }: Schedule): boolean {
  const start = Date.UTC(2000, 0, 1) / 86_400_000;
  for (let day = start; day < start + 28 * 366; day++) if (matchesDay(partsOf(day))) return true;
  return false;
}

function parseDays(text: string, field: Piece): DayTest {
  const tests = cut(field, ",").map((item): DayTest => {
    if (item.text.toUpperCase() === "L") return ({ day, monthLength }) => day === monthLength;
    const days = new Set(parseItem(text, item, DAY));
    return ({ day }) => days.has(day);
  });
  return (date) => tests.some((test) => test(date));
}

function parseWeekdays(text: string, field: Piece): DayTest {
  const tests = cut(field, ",").map((item): DayTest => {
    const nth = /^(.+)#([1-5])$/u.exec(item.text);
    if (nth !== null) {
      const wanted = parseNumber(text, { text: nth[1] ?? "", position: item.position }, WEEKDAY) % 7;
      return ({ weekday, day }) => weekday === wanted && Math.ceil(day / 7) === Number(nth[2]);
    }
    const last = /^(.+)L$/iu.exec(item.text);
    if (last !== null) {
      const wanted = parseNumber(text, { text: last[1] ?? "", position: item.position }, WEEKDAY) % 7;
      return ({ weekday, day, monthLength }) => weekday === wanted && day > monthLength - 7;
    }
    const weekdays = new Set(parseItem(text, item, WEEKDAY).map((weekday) => weekday % 7));
    return ({ weekday }) => weekdays.has(weekday);
  });
  return (date) => tests.some((test) => test(date));
}

function parseField(text: string, field: Piece, range: FieldRange): number[] {
  return [...new Set(cut(field, ",").flatMap((item) => parseItem(text, item, range)))];
}

/** `*`, `5`, `1-5`, and `*` or a range with a step. */
function parseItem(text: string, item: Piece, range: FieldRange): number[] {
  const [values = item, stepPiece, tooMuch] = cut(item, "/");
  if (tooMuch !== undefined) throw scheduleError(text, tooMuch.position - 1, "a second step", "write one step, such as */5");
  const step = stepPiece === undefined ? 1 : parseStep(text, stepPiece, range);
  if (values.text === "*") return parseRange(text, [at(values, range.min), at(values, range.max === 7 ? 6 : range.max)], step, range);
  const [from = values, to, more] = cut(values, "-");
  if (more !== undefined) throw scheduleError(text, more.position - 1, "a range has two ends", "write for example 1-5");
  if (to !== undefined) return parseRange(text, [from, to], step, range);
  if (stepPiece !== undefined) throw scheduleError(text, stepPiece.position - 1, "a step needs a range", `write for example ${from.text}-${range.max}/${stepPiece.text}`);
  return [parseNumber(text, from, range)];
}

function parseStep(text: string, piece: Piece, range: FieldRange): number {
  const step = /^\d{1,2}$/u.test(piece.text) ? Number(piece.text) : 0;
  if (step >= 1 && step <= range.max) return step;
  throw scheduleError(text, piece.position, `${JSON.stringify(piece.text)} is not a step`, `it is 1–${range.max}`);
}

function at(piece: Piece, value: number): Piece {
  return { text: String(value), position: piece.position };
}
