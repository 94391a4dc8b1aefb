import type { ProgressView } from "./api/rollout-view.ts";
import type { EventLog } from "./stores/event-log.ts";

/** The newest progress of every host at work, from the events of all controllers: shown to whoever opens a view in mid-rollout. */
export interface ProgressBoard {
  of(rollout: string): ReadonlyMap<string, ProgressView>;
}

export function createProgressBoard(events: EventLog): ProgressBoard {
  const boards = new Map<string, Map<string, ProgressView>>();
  events.listen((event) => {
    if (event.type === "progress") {
      const board = boards.get(event.rollout) ?? new Map<string, ProgressView>();
      boards.set(event.rollout, board.set(event.host, event.progress));
    }
    // Ended hosts have a report instead.
    if (event.type === "rollout-host" && event.state !== "running") boards.get(event.rollout)?.delete(event.host);
    if (event.type === "rollout" && (event.state === "completed" || event.state === "failed" || event.state === "aborted")) boards.delete(event.rollout);
  });
  return { of: (rollout) => boards.get(rollout) ?? new Map() };
}
