import { DAY_MS, partsOf } from "./civil-day.ts";
import type { HostCalendar } from "./host-calendar.ts";
import { civilDayAt, instantOf, instantsOn } from "./local-time.ts";
import type { LocalSpan, Recurrence } from "./maintenance-window.ts";

/** A time during which a host may be worked on: from `opensAt` (included) to `closesAt` (not included), ms since the epoch. */
export interface Opening {
  /** The window it comes from, the earliest where several overlap; "" where none is defined. */
  readonly name: string;
  /** 0 where it has always been open. */
  readonly opensAt: number;
  /** null: never. */
  readonly closesAt: number | null;
}

interface Span {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

/** How far ahead openings are looked for. 29 February can be eight years away. */
const HORIZON_MS = 10 * 366 * DAY_MS;

/** Openings that touch are one, but one that grows beyond this is told in pieces: a window for every minute would never end. */
const LONGEST_SPAN_MS = 31 * DAY_MS;

/**
 * The openings of a host that end after `after` (ms since the epoch), in order: its windows together, less its blackouts, which cut
 * them where they begin and let them go on where they end.
 */
export function* openings(calendar: HostCalendar, after: number): Generator<Opening> {
  // What ended before `after` may still have decided when the opening around it began.
  const since = after - LONGEST_SPAN_MS;
  // Blackouts are looked for further ahead than windows: the last window must not look open for the lack of them.
  const blackouts = new Peekable(merge(calendar.blackouts, since, after + HORIZON_MS + 3 * LONGEST_SPAN_MS));
  const windows = calendar.windows.length === 0 ? always() : merge(calendar.windows, since, after + HORIZON_MS);
  for (const window of windows) {
    let from = window.from;
    while (from < window.to) {
      while (blackouts.head !== undefined && blackouts.head.to <= from) blackouts.advance();
      const blackout = blackouts.head;
      if (blackout === undefined || blackout.from >= window.to) {
        yield* opening(window.name, from, window.to, after);
        break;
      }
      if (blackout.from > from) yield* opening(window.name, from, blackout.from, after);
      from = blackout.to;
    }
  }
}

function* opening(name: string, opensAt: number, to: number, after: number): Generator<Opening> {
  if (to > after) yield { name, opensAt, closesAt: to === Number.POSITIVE_INFINITY ? null : to };
}

function* always(): Generator<Span> {
  yield { name: "", from: 0, to: Number.POSITIVE_INFINITY };
}

/** The spans of all rules that end after `since` and begin by `until`, in order, those that overlap or touch made one. */
function* merge(rules: readonly (Recurrence | LocalSpan)[], since: number, until: number): Generator<Span> {
  const sources = rules.map((rule) => new Peekable(spansOf(rule, since, until)));
  let current: Span | undefined;
  for (;;) {
    const next = sources.reduce<Peekable<Span> | undefined>((first, source) => (source.head !== undefined && (first?.head === undefined || source.head.from < first.head.from) ? source : first), undefined);
    const span = next?.head;
    if (next === undefined || span === undefined) break;
    next.advance();
    if (current === undefined) current = span;
    else if (span.to <= current.to) continue;
    else if (span.from <= current.to && span.to - current.from <= LONGEST_SPAN_MS) current = { name: current.name, from: current.from, to: span.to };
    else {
      yield current;
      // Where the longest span cut it, the pieces touch and do not overlap.
      current = { name: span.name, from: Math.max(span.from, current.to), to: span.to };
    }
  }
  if (current !== undefined) yield current;
}

function* spansOf(rule: Recurrence | LocalSpan, since: number, until: number): Generator<Span> {
  if ("from" in rule) {
    // The end of a blackout that comes twice is the second one: rather an hour too long than too short.
    yield { name: rule.name, from: instantOf(rule.zone, rule.from), to: instantOf(rule.zone, rule.to, "last") };
    return;
  }
  const { name, zone, schedule, durationMs } = rule;
  // One day earlier, as the clocks may have skipped from its evening into the day after.
  const first = civilDayAt(zone, since - durationMs) - 1;
  const last = civilDayAt(zone, until);
  for (let day = first; day <= last; day++) {
    if (!schedule.matchesDay(partsOf(day))) continue;
    for (const from of instantsOn(zone, day, schedule.minutes)) {
      if (from + durationMs > since) yield { name, from, to: from + durationMs };
    }
  }
}

/** An iterator whose next value can be looked at before it is taken. */
class Peekable<T> {
  head: T | undefined;
  readonly #source: Iterator<T>;

  constructor(source: Iterator<T>) {
    this.#source = source;
    this.advance();
  }

  advance(): void {
    const { done, value } = this.#source.next();
    this.head = done === true ? undefined : value;
  }
}
