import { FleetError } from "../fleet-error.ts";

const formats = new Map<string, Intl.DateTimeFormat>();

/** Refuses what is no IANA time zone. Fixed offsets such as +02:00 are refused too: they are wrong for half of the year. @throws FleetError `bad-zone`. */
export function checkZone(zone: string): void {
  if (/^[A-Za-z]/u.test(zone)) {
    try {
      formatOf(zone);
      return;
    } catch {
      // Intl only says RangeError; the sentence below says more.
    }
  }
  throw new FleetError("bad-zone", zone, `${JSON.stringify(zone)} is not a time zone`, "use a name of the IANA database such as Europe/Berlin or UTC");
}

/** How far the zone's clocks are ahead of UTC at an instant (ms since the epoch), ms. @throws FleetError `bad-zone`. */
export function offsetAt(zone: string, at: number): number {
  const whole = Math.floor(at / 1000) * 1000;
  // `11/28/2026, 23:30:00`; formatToParts says the same and takes three times as long.
  const [month = 1, day = 1, year = 0, hour = 0, minute = 0, second = 0] = (formatOf(zone).format(whole).match(/\d+/gu) ?? []).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second) - whole;
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      calendar: "gregory",
      numberingSystem: "latn",
      // h24, which some locales' 24-hour clock is, would call midnight 24:00.
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
    });
    formats.set(zone, format);
  }
  return format;
}

/** An instant as the zone's people write it, e.g. `Sat 2026-11-28 23:30 CET`. */
export function formatInZone(zone: string, at: number): string {
  const parts = new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    hourCycle: "h23",
    weekday: "short",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    timeZoneName: "short",
  }).formatToParts(at);
  const field = (type: Intl.DateTimeFormatPartTypes) => parts.find((part) => part.type === type)?.value ?? "";
  return `${field("weekday")} ${field("year")}-${field("month")}-${field("day")} ${field("hour")}:${field("minute")} ${field("timeZoneName")}`;
}
