import { expect, it } from "vitest";
import { DAY_MS } from "./civil-day.ts";
import { instantOf, instantsOn } from "./local-time.ts";

const MINUTE = 60_000;
const FROM = Date.UTC(2017, 0, 1);
const TO = Date.UTC(2027, 0, 1);
/** No zone changes its clocks twice within so short a time. */
const STEP = 3 * DAY_MS;

/** Reads a clock on the wall: another way through Intl than the code under test takes, and no arithmetic with offsets. */
function wallClock(zone: string): (at: number) => number {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone: zone, dateStyle: "short", timeStyle: "medium" });
  return (at) => Date.parse(`${format.format(at).replace(" ", "T")}Z`);
}

/** Every instant in ten years at which the zone's wall clock jumps. */
function clockChanges(read: (at: number) => number): number[] {
  const changes: number[] = [];
  let shift = read(FROM) - FROM;
  for (let from = FROM; from < TO; from += STEP) {
    const before = shift;
    shift = read(from + STEP) - (from + STEP);
    if (shift === before) continue;
    let low = from;
    let high = from + STEP;
    while (high - low > 1000) {
      const middle = Math.floor((low + high) / 2000) * 1000;
      if (read(middle) - middle === before) low = middle;
      else high = middle;
    }
    changes.push(high);
  }
  return changes;
}

it("finds the first instant at which the wall clock has reached a local time, around every clock change of every zone in ten years", () => {
  const zones = Intl.supportedValuesOf("timeZone");
  const wrong: string[] = [];
  let changes = 0;
  for (const zone of zones) {
    const read = wallClock(zone);
    for (const change of clockChanges(read)) {
      changes++;
      // Casey once changed its clocks at one minute past; all others do at full five minutes, where five times fewer steps tell as much.
      const step = change % (5 * MINUTE) === 0 ? 5 * MINUTE : MINUTE;
      // Walk through the change and note what the clock shows for the first time; skipped times belong to the step after the gap.
      const reach = Math.abs(read(change) - read(change - MINUTE) - MINUTE) + 30 * MINUTE;
      let shown = read(change - reach);
      for (let at = change - reach; at <= change + reach; at += step) {
        for (const reads = read(at); shown <= reads; shown += step) {
          if (instantOf(zone, shown) !== at) wrong.push(`${zone}: ${new Date(shown).toISOString()} is at ${new Date(at).toISOString()}`);
        }
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(zones.length).toBeGreaterThan(400);
  expect(changes).toBeGreaterThan(2000);
});

it("takes the second occurrence of a time that comes twice where the last one is asked for", () => {
  const local = Date.UTC(2026, 9, 25, 2, 30);
  expect(new Date(instantOf("Europe/Berlin", local)).toISOString()).toBe("2026-10-25T00:30:00.000Z");
  expect(new Date(instantOf("Europe/Berlin", local, "last")).toISOString()).toBe("2026-10-25T01:30:00.000Z");
});

it("gives the times that a gap swallows as one instant", () => {
  const day = Date.UTC(2026, 2, 29) / DAY_MS;
  expect(instantsOn("Europe/Berlin", day, [60, 120, 135, 150, 180, 240]).map((at) => new Date(at).toISOString().slice(11, 16))).toEqual(["00:00", "01:00", "02:00"]);
});
