import { useEffect, useState } from "preact/hooks";
import type { FleetState } from "./fleet-state.ts";
import type { FleetStore } from "./fleet-store.ts";

/** The part of the fleet's state that a view shows, drawn again when that part changes and not with every event of the fleet. */
export function useFleet<T>(store: FleetStore, select: (state: FleetState) => T): T {
  const [, redraw] = useState(0);
  const shown = select(store.state());
  useEffect(() => {
    let last = shown;
    // What changed between drawing and subscribing.
    const look = () => {
      const next = select(store.state());
      if (next === last) return;
      last = next;
      redraw((count) => count + 1);
    };
    look();
    return store.subscribe(look);
  }, [store]);
  return shown;
}
