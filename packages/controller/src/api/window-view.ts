/** When hosts may be worked on. Hosts that no window is for may be at any time, but for the blackouts. */
export interface WindowView {
  /** Unique among windows. */
  readonly name: string;
  /** The hosts it is for, see `CreateRollout.selector`. */
  readonly selector: string;
  /** When it opens: cron (`30 23 * * sat`) or a calendar time (`Sat 23:30`, `Mon..Fri 02:00`, `2026-12-24 22:00`). */
  readonly schedule: string;
  /** IANA zone of the schedule, e.g. `Europe/Berlin`; `host`: each host's own. */
  readonly zone: string;
  /** How long it stays open, 60 … 2678400. */
  readonly durationSeconds: number;
}

/** When hosts may not be worked on, whatever their windows say: repeating, or once from a local day or time to another (a day is included). */
export type BlackoutView = WindowView | { readonly name: string; readonly selector: string; readonly zone: string; readonly from: string; readonly to: string };

/** All windows and blackouts, by name. */
export interface CalendarView {
  readonly windows: readonly WindowView[];
  readonly blackouts: readonly BlackoutView[];
}

/** A time during which a host may be worked on. */
export interface OpeningView {
  /** The window it comes from; empty where no window is for the host. */
  readonly window: string;
  /** ISO 8601 in UTC; null: it has always been open. */
  readonly opensAt: string | null;
  /** Null: it never closes. */
  readonly closesAt: string | null;
  /** The same as people there write it, e.g. `Sat 2026-11-28 23:30 CET`. */
  readonly inWindowZone: { readonly opens: string; readonly closes: string | null };
  readonly inHostZone: { readonly opens: string; readonly closes: string | null };
}

/** `GET /v1/openings?days=14`: when the fleet may be worked on from now on. */
export interface FleetOpeningsView {
  /** In order of their beginning, those that are open now included; what blackouts cut away is not in them. */
  readonly openings: readonly FleetOpeningView[];
  /** Hosts that no window is for: open at any time, but for blackouts. */
  readonly unrestrictedHosts: number;
}

export interface FleetOpeningView extends Omit<OpeningView, "inHostZone" | "opensAt"> {
  readonly opensAt: string;
  /** How many hosts it is for. */
  readonly hosts: number;
}
