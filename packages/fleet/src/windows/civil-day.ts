/** ms in a day without a clock change. */
export const DAY_MS = 86_400_000;

/**
 * A day of the calendar, in no zone: the number of days since 1970-01-01. "Local" times are such a day's ms plus the time of
 * day, as if the place kept UTC.
 */
export type CivilDay = number;

/** A civil day taken apart. */
export interface DayParts {
  readonly year: number;
  /** 1–12. */
  readonly month: number;
  /** 1–31. */
  readonly day: number;
  /** 0 is Sunday. */
  readonly weekday: number;
  /** Days in its month. */
  readonly monthLength: number;
}

/** Takes a civil day apart. */
export function partsOf(civilDay: CivilDay): DayParts {
  const date = new Date(civilDay * DAY_MS);
  const year = date.getUTCFullYear();
  const month = date.getUTCMonth() + 1;
  return { year, month, day: date.getUTCDate(), weekday: date.getUTCDay(), monthLength: new Date(Date.UTC(year, month, 0)).getUTCDate() };
}
