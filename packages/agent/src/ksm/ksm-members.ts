import { type EnrollOutcome, enrollGuest, type GuestOf, type KsmPaths, sweep } from "@samepage/ksm";

/**
 * Opts the processes of some guests in, until a look finds no new one.
 * @returns processes by what became of them
 */
export async function enrolMembers(paths: KsmPaths, members: ReadonlySet<string>, guestOf: GuestOf, signal: AbortSignal): Promise<Readonly<Partial<Record<EnrollOutcome, number>>>> {
  return (await enrollGuest(paths, { by: "membership", belongs: (pid) => members.has(guestOf(pid)) }, { signal })).counts;
}

/**
 * Puts out the processes of the host's other guests: those that an earlier rollout had merged, and those that opted
 * themselves in, which anybody can. What belongs to no guest is left alone.
 * @returns the guests that were found merging
 * @throws KsmError `no-room` while memory lacks room for their private copies
 */
export async function putOutOthers(paths: KsmPaths, others: ReadonlySet<string>, guestOf: GuestOf, signal: AbortSignal): Promise<readonly string[]> {
  if (others.size === 0) return [];
  const { intruders } = await sweep(paths, { isAllowed: (guest) => !others.has(guest), denylist: [], remove: true, guestOf, signal });
  return [...new Set(intruders.map(({ guest }) => guest))];
}
