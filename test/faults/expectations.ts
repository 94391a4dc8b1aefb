import type { RolloutView } from "@samepage/controller/api";

/** Milliseconds for a test in which agents have to find their controller again: what waits in it gives up by itself when nothing changes, so this is only the last word. */
export const lastWordMs = 600_000;

export { isOver } from "@samepage/test-e2e";

/** What `sorted(fleet.begun())` is when each host began its job once. */
export function eachOnce(hosts: number): [string, number][] {
  return sorted(new Map(Array.from({ length: hosts }, (_, index) => [`h${index}`, 1])));
}

export function sorted(counts: ReadonlyMap<string, number>): [string, number][] {
  return [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/** Hosts that have the job and have not ended it. */
export function busy({ hosts }: RolloutView): number {
  return hosts.running + hosts.acknowledged;
}
