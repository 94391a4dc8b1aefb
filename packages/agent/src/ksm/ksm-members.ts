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
 * @returns the guests that were found merging, and those of them that still are: a guest can keep others' hands off its
 *   processes, by tracing them itself or by a filter of system calls
 * @throws KsmError `no-room` while memory lacks room for their private copies
 */
export async function putOutOthers(paths: KsmPaths, others: ReadonlySet<string>, guestOf: GuestOf, signal: AbortSignal): Promise<{ readonly found: readonly string[]; readonly left: readonly string[] }> {
  if (others.size === 0) return { found: [], left: [] };
  const look = async (remove: boolean): Promise<readonly string[]> => {
    const { intruders } = await sweep(paths, { isAllowed: (guest) => !others.has(guest), denylist: [], remove, guestOf, signal });
    return [...new Set(intruders.map(({ guest }) => guest))];
  };
  const found = await look(true);
  return { found, left: found.length === 0 ? [] : await look(false) };
}
