import { FleetError } from "../fleet-error.ts";
import { parseSelector, type Selector } from "../selectors/selector.ts";
import { DAY_MS } from "./civil-day.ts";
import { parseSchedule, type Schedule } from "./schedule.ts";
import { checkZone } from "./zone.ts";

/** When hosts may be worked on. A window is a start in its zone and a fixed length from there: a clock change during it neither lengthens nor shortens it. */
export interface MaintenanceWindow {
  readonly name: string;
  /** The hosts it is for. */
  readonly selector: string;
  /** See `parseSchedule`. */
  readonly schedule: string;
  /** IANA zone, or `host` for each host's own. */
  readonly zone: string;
  /** 1 minute to 31 days, ms. */
  readonly durationMs: number;
}

/**
 * When hosts may not be worked on, whatever their windows say: repeating like a window, or once between two local times.
 * `from` and `to` are `2026-12-24`, `2026-12-24T18:00` or `2026-12-24T18:00:30`; a day as `to` is included, a time is where it ends.
 */
export type Blackout =
  | MaintenanceWindow
  | { readonly name: string; readonly selector: string; readonly zone: string; readonly from: string; readonly to: string };

/** A window or repeating blackout, parsed. */
export interface Recurrence {
  readonly name: string;
  readonly selector: Selector;
  readonly schedule: Schedule;
  readonly zone: string;
  readonly durationMs: number;
}

/** A single blackout, parsed; local times (see CivilDay). */
export interface LocalSpan {
  readonly name: string;
  readonly selector: Selector;
  readonly zone: string;
  readonly from: number;
  readonly to: number;
}

/** Parses a window. @throws FleetError `bad-selector`, `bad-schedule`, `bad-zone`, `bad-duration`. */
export function parseWindow(window: MaintenanceWindow): Recurrence {
  if (window.zone !== "host") checkZone(window.zone);
  if (!Number.isSafeInteger(window.durationMs) || window.durationMs < 60_000 || window.durationMs > 31 * DAY_MS) {
    throw new FleetError("bad-duration", window.name, `window ${window.name} lasts ${window.durationMs} ms`, "a window lasts from 1 minute to 31 days");
  }
  return { ...window, selector: parseSelector(window.selector), schedule: parseSchedule(window.schedule) };
}

/** Parses a blackout. @throws FleetError as `parseWindow`. */
export function parseBlackout(blackout: Blackout): Recurrence | LocalSpan {
  if ("schedule" in blackout) return parseWindow(blackout);
  if (blackout.zone !== "host") checkZone(blackout.zone);
  const from = parseLocal(blackout.from, false);
  const to = parseLocal(blackout.to, true);
  if (to <= from) throw new FleetError("bad-schedule", blackout.name, `blackout ${blackout.name} ends before it begins`, "give a `to` after `from`");
  return { name: blackout.name, zone: blackout.zone, selector: parseSelector(blackout.selector), from, to };
}

function parseLocal(text: string, isEnd: boolean): number {
  const match = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(?::\d{2})?)?$/u.exec(text);
  const local = match === null ? Number.NaN : Date.parse(match[1] === undefined ? `${text}T00:00Z` : `${text}Z`);
  // Date.parse takes 2026-02-30 for 2 March in some forms; the round trip shows it.
  if (Number.isNaN(local) || !new Date(local).toISOString().startsWith(text)) {
    throw new FleetError("bad-schedule", text, `${JSON.stringify(text)} is not a local day or time`, "write 2026-12-24 or 2026-12-24T18:00");
  }
  return isEnd && match?.[1] === undefined ? local + DAY_MS : local;
}
