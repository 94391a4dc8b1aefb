import { useEffect, useState } from "preact/hooks";
import type { FleetState } from "./fleet-state.ts";
import type { FleetStore } from "./fleet-store.ts";

/** The fleet's state, rendered again when it changes. */
export function useFleet(store: FleetStore): { readonly fleet: FleetState; readonly connected: boolean } {
  const [, redraw] = useState(0);
  useEffect(() => store.subscribe(() => redraw((count) => count + 1)), [store]);
  return { fleet: store.state(), connected: store.connected() };
}
