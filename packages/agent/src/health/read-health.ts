import type { Health } from "@samepage/proto";
import type { KsmKeeper } from "../ksm/ksm-keeper.ts";
import type { GuestWatch } from "./guest-watch.ts";
import { readPressure } from "./read-pressure.ts";

/** Guests named in one heartbeat: a host with more than that down needs no longer list. */
const namedGuests = 100;

/** How this host is now, for the gates between a rollout's waves. Runs nothing of the guests'. */
export async function readHealth(root: string, guests: GuestWatch, ksm: Pick<KsmKeeper, "backOff">): Promise<Health> {
  const [pressure, down] = await Promise.all([readPressure(root), guests.down()]);
  return { pressure, guestsDown: down.slice(0, namedGuests), ksmBackOff: ksm.backOff() };
}
