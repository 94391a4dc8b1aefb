/** Whether a host may be worked on now, by its maintenance windows. All times ms since the epoch. */
export interface WindowState {
  readonly open: boolean;
  /** While open: when it closes, null for never. */
  readonly closesAt: number | null;
  /** When it opened, or while closed: when it next opens, null for never. */
  readonly opensAt: number | null;
  /** When it last closed, null if not since the time that was asked for. */
  readonly lastClosedAt: number | null;
}

/** The state of a host that no maintenance window is defined for. */
export const ALWAYS_OPEN: WindowState = { open: true, closesAt: null, opensAt: null, lastClosedAt: null };
