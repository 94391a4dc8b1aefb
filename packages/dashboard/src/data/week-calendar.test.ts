import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { calendarDays } from "./week-calendar.ts";

beforeAll(() => {
  vi.stubEnv("TZ", "Europe/Berlin");
});
afterAll(() => {
  vi.unstubAllEnvs();
});

const opening = (opensAt: string, closesAt: string) => ({ window: "w", opensAt, closesAt, inWindowZone: { opens: "", closes: "" }, hosts: 1 });

test("an opening over midnight stands on both days, one that ends at midnight only on the first", () => {
  const days = calendarDays([opening("2026-11-23T22:30Z", "2026-11-24T01:00Z"), opening("2026-11-24T21:00Z", "2026-11-24T23:00Z")], Date.parse("2026-11-23T12:00Z"), 3);
  expect(days.map(({ openings }) => openings.map(({ opensAt }) => opensAt))).toEqual([["2026-11-23T22:30Z"], ["2026-11-23T22:30Z", "2026-11-24T21:00Z"], []]);
});

test("a day of 25 hours is one day", () => {
  const days = calendarDays([], Date.parse("2026-10-24T12:00Z"), 3);
  expect(days.map(({ start }) => new Date(start).toISOString())).toEqual(["2026-10-23T22:00:00.000Z", "2026-10-24T22:00:00.000Z", "2026-10-25T23:00:00.000Z"]);
});
