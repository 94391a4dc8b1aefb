import type { GuestView } from "../api/host-view.ts";

/** A guest as it is stored with its host. */
export type HostGuest = Omit<GuestView, "host">;
