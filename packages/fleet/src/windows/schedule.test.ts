import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FleetError } from "../fleet-error.ts";
import { DAY_MS, partsOf } from "./civil-day.ts";
import { parseSchedule } from "./schedule.ts";

/** The days of 2026 on which a schedule has a time, as MM-DD. */
function days2026(text: string): string[] {
  const { matchesDay } = parseSchedule(text);
  const days: string[] = [];
  for (let day = Date.UTC(2026, 0, 1) / DAY_MS; day < Date.UTC(2027, 0, 1) / DAY_MS; day++) {
    if (matchesDay(partsOf(day))) days.push(new Date(day * DAY_MS).toISOString().slice(5, 10));
  }
  return days;
}

describe("cron", () => {
  it.each([
    ["0 3 * * sat#2", ["01-10", "02-14", "03-14"]],
    ["0 3 * * friL", ["01-30", "02-27", "03-27"]],
    ["0 3 L * *", ["01-31", "02-28", "03-31"]],
    ["0 3 13 * fri", ["01-02", "01-09", "01-13"]],
    ["0 3 */10 * mon", ["05-11", "06-01", "08-31"]],
    ["0 3 1-7 mar *", ["03-01", "03-02", "03-03"]],
    ["0 3 * * 7", ["01-04", "01-11", "01-18"]],
    ["0 3 * * fri-mon", ["01-02", "01-03", "01-04"]],
  ])("%s", (text, first) => {
    expect(days2026(text).slice(0, 3)).toEqual(first);
  });

  it("matches the same minutes as a plain reading of its fields", () => {
    const subset = (min: number, max: number) => fc.uniqueArray(fc.integer({ min, max }), { minLength: 1, maxLength: 5 });
    const any = (values: fc.Arbitrary<number[]>) => fc.option(values, { nil: null });
    fc.assert(
      fc.property(subset(0, 59), subset(0, 23), any(subset(1, 28)), any(subset(1, 12)), any(subset(0, 6)), fc.integer({ min: 0, max: 365 }), (minutes, hours, days, months, weekdays, offset) => {
        const field = (values: number[] | null) => values?.join(",") ?? "*";
        const schedule = parseSchedule([minutes, hours, days, months, weekdays].map((values) => field(values)).join(" "));
        const date = new Date(Date.UTC(2026, 0, 1 + offset));
        const inDays = days?.includes(date.getUTCDate()) ?? true;
        const onWeekdays = weekdays?.includes(date.getUTCDay()) ?? true;
        const dayMatches = days !== null && weekdays !== null ? inDays || onWeekdays : inDays && onWeekdays;
        expect(schedule.matchesDay(partsOf(date.getTime() / DAY_MS))).toBe(dayMatches && (months?.includes(date.getUTCMonth() + 1) ?? true));
        expect(schedule.minutes).toEqual(hours.flatMap((h) => minutes.map((m) => h * 60 + m)).sort((a, b) => a - b));
      }),
    );
  });
});

describe("calendar", () => {
  it.each([
    ["Sat 23:30", ["01-03", "01-10", "01-17"]],
    ["Mon..Wed,Fri 02:00", ["01-02", "01-05", "01-06"]],
    ["Sat *-*-1..7 03:00", ["01-03", "02-07", "03-07"]],
    ["2026-12-24 22:00", ["12-24"]],
    ["*-29 02:00", ["01-29", "03-29", "04-29"]],
    ["Fri..Mon 02:00", ["01-02", "01-03", "01-04"]],
    ["2027-*-* 02:00", []],
  ])("%s", (text, first) => {
    expect(days2026(text).slice(0, 3)).toEqual(first);
  });

  it("takes several times of a day", () => {
    expect(parseSchedule("Mon..Fri 14:00,02:30").minutes).toEqual([150, 840]);
  });
});

describe("a mistake is named with its position", () => {
  it.each([
    ["", 0, "cron has 5 fields, here are 0"],
    ["0 3 * *", 7, "cron has 5 fields, here are 4"],
    ["0 3 * * * *", 10, "cron has 5 fields, here are 6"],
    ["60 3 * * *", 0, '"60" is not a minute'],
    ["0 24 * * *", 2, '"24" is not a hour'],
    ["0 3 * foo *", 6, '"foo" is not a month'],
    ["0 3 * * mon,fu", 12, '"fu" is not a weekday'],
    ["0 3 5-1 * *", 4, "the range 5 to 1 goes backwards"],
    ["0 3 30 2 *", 4, "there is no such day"],
    ["*/0 3 * * *", 2, '"0" is not a step'],
    ["5/10 3 * * *", 1, "a step needs a range"],
    ["0,,5 3 * * *", 2, "a minute is missing"],
    ["Sat 25:00", 4, '"25" is not a hour'],
    ["Sun..Foo 02:00", 5, '"Foo" is not a weekday'],
    ["Sat 02:00 *-*-01", 10, "the time of day comes last"],
    ["02-30 02:00", 3, "there is no such day"],
    ["Sat 1 2 02:00", 4, '"1" is not a date'],
  ])("%s", (text, position, message) => {
    const error = thrownBy(() => parseSchedule(text));
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ code: "bad-schedule", position });
  });

  it("never throws anything else, whatever the text", () => {
    const piece = fc.constantFrom("*", "1", "59", "-", "/", ",", "#", "L", ":", " ", "..", "sat", "mon", "2026", "x");
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        expect(outcomeOf(pieces.join(""))).not.toBe("something else");
      }),
      { numRuns: 2000 },
    );
  });
});

function outcomeOf(text: string): "parsed" | "refused" | "something else" {
  try {
    parseSchedule(text);
    return "parsed";
  } catch (error) {
    return error instanceof FleetError ? "refused" : "something else";
  }
}

function thrownBy(run: () => unknown): FleetError {
  try {
    run();
  } catch (error) {
    if (error instanceof FleetError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}
