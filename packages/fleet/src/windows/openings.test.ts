import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FleetError } from "../fleet-error.ts";
import type { HostFacts } from "../host-facts.ts";
import { calendarFor, createCalendar, type HostCalendar } from "./host-calendar.ts";
import type { Blackout, MaintenanceWindow } from "./maintenance-window.ts";
import { isOpen, nextWindow } from "./next-window.ts";
import { openings } from "./openings.ts";
import { previewOpenings } from "./preview-openings.ts";
import { windowStateAt, windowStates } from "./window-state.ts";

const HOUR = 3_600_000;
const HOST: HostFacts = { name: "h1", labels: {}, kernel: "6.1.0", arch: "x86_64", os: "debian 12", zone: "America/New_York" };

function window(schedule: string, hours: number, zone = "UTC", name = "w"): MaintenanceWindow {
  return { name, selector: "all", schedule, zone, durationMs: hours * HOUR };
}

function calendar(windows: MaintenanceWindow[], blackouts: Blackout[] = [], host = HOST): HostCalendar {
  return calendarFor(createCalendar(windows, blackouts), host);
}

/** The next openings after a time, as `start/end` in UTC. */
function next(of: HostCalendar, after: string, count: number): string[] {
  const shown: string[] = [];
  for (const { opensAt, closesAt } of openings(of, Date.parse(after))) {
    shown.push(`${iso(opensAt)}/${closesAt === null ? "never" : iso(closesAt)}`);
    if (shown.length === count) break;
  }
  return shown;
}

function codeOf(run: () => unknown): string {
  try {
    run();
    return "nothing thrown";
  } catch (error) {
    return error instanceof FleetError ? error.code : "something else thrown";
  }
}

function iso(at: number): string {
  return new Date(at).toISOString().slice(0, 16);
}

describe("openings", () => {
  it("begin on the day they are named for and run past midnight", () => {
    const night = calendar([window("Sat 23:30", 1)]);
    expect(next(night, "2026-11-23T00:00Z", 1)).toEqual(["2026-11-28T23:30/2026-11-29T00:30"]);
    expect(isOpen(night, Date.parse("2026-11-28T00:15Z"))).toBe(false);
    expect(isOpen(night, Date.parse("2026-11-29T00:29:59.999Z"))).toBe(true);
    expect(isOpen(night, Date.parse("2026-11-29T00:30Z"))).toBe(false);
  });

  it("keep their local hour and their length over a clock change", () => {
    const berlin = calendar([window("0 22 * * *", 8, "Europe/Berlin")]);
    expect(next(berlin, "2026-10-24T12:00Z", 2)).toEqual(["2026-10-24T20:00/2026-10-25T04:00", "2026-10-25T21:00/2026-10-26T05:00"]);
  });

  it("begin after the gap where their start is skipped, and only once where it comes twice", () => {
    const newYork = calendar([window("30 2 * * *", 1, "America/New_York")]);
    expect(next(newYork, "2026-03-08T00:00Z", 2)).toEqual(["2026-03-08T07:00/2026-03-08T08:00", "2026-03-09T06:30/2026-03-09T07:30"]);
    const twice = calendar([window("30 1 * * *", 0.5, "America/New_York")]);
    expect(next(twice, "2026-11-01T00:00Z", 2)).toEqual(["2026-11-01T05:30/2026-11-01T06:00", "2026-11-02T06:30/2026-11-02T07:00"]);
  });

  it("follow the host's own zone where the window says so", () => {
    expect(next(calendar([window("0 3 * * *", 1, "host")]), "2026-07-01T00:00Z", 1)).toEqual(["2026-07-01T07:00/2026-07-01T08:00"]);
    expect(next(calendar([window("0 3 * * *", 1, "host")], [], { ...HOST, zone: "Mars/Olympus" }), "2026-07-01T00:00Z", 1)).toEqual(["2026-07-01T03:00/2026-07-01T04:00"]);
  });

  it("that touch are one, and blackouts cut them", () => {
    const cutUp = calendar(
      [window("0 1 * * *", 2), window("0 3 * * *", 3)],
      [
        { name: "backup", selector: "all", schedule: "0 2 * * *", zone: "UTC", durationMs: HOUR / 2 },
        { name: "holidays", selector: "all", zone: "UTC", from: "2026-12-24", to: "2026-12-26" },
      ],
    );
    expect(next(cutUp, "2026-12-23T00:00Z", 4)).toEqual([
      "2026-12-23T01:00/2026-12-23T02:00",
      "2026-12-23T02:30/2026-12-23T06:00",
      "2026-12-27T01:00/2026-12-27T02:00",
      "2026-12-27T02:30/2026-12-27T06:00",
    ]);
  });

  it("are always there without a window, but for the blackouts", () => {
    const always = calendar([], [{ name: "freeze", selector: "all", zone: "UTC", from: "2026-12-24T18:00", to: "2026-12-25T06:00" }]);
    expect(next(always, "2026-12-20T00:00Z", 3)).toEqual(["1970-01-01T00:00/2026-12-24T18:00", "2026-12-25T06:00/never"]);
    expect(windowStateAt(always, Date.parse("2026-12-24T20:00Z"), 0)).toMatchObject({ open: false, opensAt: Date.parse("2026-12-25T06:00Z") });
    expect(windowStateAt(always, Date.parse("2026-12-26T20:00Z"), 0)).toMatchObject({ open: true, closesAt: null });
  });

  it("end where no schedule matches any more", () => {
    expect(nextWindow(calendar([window("2026-01-05 02:00", 1)]), Date.parse("2026-02-01T00:00Z"))).toBeNull();
    expect(next(calendar([window("0 2 29 2 *", 1)]), "2096-03-01T00:00Z", 1)).toEqual(["2104-02-29T02:00/2104-02-29T03:00"]);
  });

  it("are told in pieces, not searched for ever, where windows never leave a gap", () => {
    const everyMinute = calendar([window("* * * * *", 1)]);
    const opening = nextWindow(everyMinute, Date.parse("2026-01-01T00:00Z"));
    expect(opening?.closesAt).toBeGreaterThan(Date.parse("2026-01-30T00:00Z"));
    expect(isOpen(everyMinute, opening?.closesAt ?? 0)).toBe(true);
  });

  it("are open exactly when some window is and no blackout is", () => {
    const rule = fc.record({ minute: fc.constantFrom(0, 15, 30), hour: fc.integer({ min: 0, max: 23 }), weekday: fc.integer({ min: 0, max: 6 }), length: fc.integer({ min: 1, max: 60 }) });
    const origin = Date.UTC(2026, 5, 7);
    fc.assert(
      fc.property(fc.array(rule, { minLength: 1, maxLength: 4 }), fc.array(rule, { maxLength: 4 }), fc.integer({ min: 0, max: 14 * 24 * 4 }), (windows, blackouts, quarter) => {
        const definition = ({ minute, hour, weekday, length }: (typeof windows)[number], i: number) => window(`${minute} ${hour} * * ${weekday}`, length, "UTC", `w${i}`);
        const at = origin + quarter * (HOUR / 4);
        const week = 7 * 24 * HOUR;
        const covers = ({ minute, hour, weekday, length }: (typeof windows)[number]) => {
          const start = origin + weekday * 24 * HOUR + hour * HOUR + minute * 60_000;
          return (((at - start) % week) + week) % week < length * HOUR;
        };
        const tested = calendar(windows.map((rule_, i) => definition(rule_, i)), blackouts.map((rule_, i) => definition(rule_, i)));
        expect(isOpen(tested, at)).toBe(windows.some((rule_) => covers(rule_)) && !blackouts.some((rule_) => covers(rule_)));
        const opening = nextWindow(tested, at);
        if (opening === null || opening.closesAt === null) return;
        expect(opening.closesAt).toBeGreaterThan(at);
        expect(isOpen(tested, opening.closesAt - 1)).toBe(true);
        expect(isOpen(tested, opening.closesAt)).toBe(false);
        expect(isOpen(tested, opening.opensAt)).toBe(true);
        expect(isOpen(tested, opening.opensAt - 1)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});

it("a preview shows the window's and the host's time", () => {
  const shown = previewOpenings(calendar([window("Sat 23:30", 1, "Europe/Berlin", "weekend")]), Date.parse("2026-11-23T00:00Z"), HOST.zone).take(2).toArray();
  expect(shown.map(({ name }) => name)).toEqual(["weekend", "weekend"]);
  expect(shown[0]?.inWindowZone.opens).toMatch(/^Sat 2026-11-28 23:30 (CET|GMT\+1)$/u);
  expect(shown[0]?.inHostZone.opens).toMatch(/^Sat 2026-11-28 17:30 (EST|GMT-5)$/u);
});

it("a window's state remembers the last closing, as far back as is asked", () => {
  const nightly = calendar([window("0 2 * * *", 2)]);
  const now = Date.parse("2026-06-10T12:00Z");
  expect(windowStateAt(nightly, now, Date.parse("2026-06-10T00:00Z"))).toEqual({ open: false, closesAt: null, opensAt: Date.parse("2026-06-11T02:00Z"), lastClosedAt: Date.parse("2026-06-10T04:00Z") });
  expect(windowStateAt(nightly, now, Date.parse("2026-06-10T05:00Z")).lastClosedAt).toBeNull();
  const yearly = calendar([window("0 2 1 1 *", 2)]);
  expect(windowStateAt(yearly, now, Date.parse("2020-01-01T00:00Z")).lastClosedAt).toBe(Date.parse("2026-01-01T04:00Z"));
});

it("the states of ten thousand hosts share one look at each calendar", () => {
  const fleet = createCalendar([window("0 2 * * *", 2, "host")], []);
  const hosts = Array.from({ length: 10_000 }, (_, i) => ({ ...HOST, name: `h${i}`, zone: i % 2 === 0 ? "UTC" : "Asia/Tokyo" }));
  const states = windowStates(fleet, hosts, Date.parse("2026-06-10T03:00Z"), 0);
  expect(states.get("h0")?.open).toBe(true);
  expect(states.get("h1")?.open).toBe(false);
  expect(new Set(states.values()).size).toBe(2);
});

it.each([
  [{ zone: "+02:00" }, "bad-zone"],
  [{ zone: "Mars/Olympus" }, "bad-zone"],
  [{ durationMs: 0 }, "bad-duration"],
  [{ selector: "a=" }, "bad-selector"],
  [{ schedule: "nonsense" }, "bad-schedule"],
])("a window with %o is refused as %s", (change, code) => {
  expect(codeOf(() => createCalendar([{ ...window("0 2 * * *", 1), ...change }], []))).toBe(code);
});

it.each([["2026-02-30", "2026-03-02"], ["2026-12-24", "2026-12-23"], ["tomorrow", "2026-12-23"]])("a blackout from %s to %s is refused", (from, to) => {
  expect(codeOf(() => createCalendar([], [{ name: "b", selector: "all", zone: "UTC", from, to }]))).toBe("bad-schedule");
});
