import { readFileSync, readdirSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { readProcessHead } from "./process-key.ts";
import type { ProcessHead } from "./process-key.ts";

/** How a guest's processes are told from the host's. */
export type GuestSelector =
  /** A pid namespace with all those nested in it, named by any process inside. */
  | { readonly by: "pid-namespace"; readonly pid: number }
  /** A control group and all below it, as /proc/PID/cgroup names it, in whichever hierarchy. */
  | { readonly by: "cgroup"; readonly path: string }
  /** A root directory: chroots and containers whose root is this directory. */
  | { readonly by: "root"; readonly directory: string }
  | { readonly by: "pids"; readonly pids: readonly number[] };

/** Between two of these the event loop gets a turn: 5,000 processes are 5,000 small reads. */
const CHUNK = 200;

/** Every process of the host, kernel threads and zombies included, in order of number. */
export async function listProcesses(proc: string, signal?: AbortSignal): Promise<ProcessHead[]> {
  const heads: ProcessHead[] = [];
  let count = 0;
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/u.test(name)) continue;
    if (++count % CHUNK === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    const head = readProcessHead(proc, Number(name));
    if (head !== undefined) heads.push(head);
  }
  return heads;
}

/** The user processes of one guest, as of now. Empty when there are none. Process 1 of the host is never part of a guest. */
export async function guestProcesses(proc: string, selector: GuestSelector, signal?: AbortSignal): Promise<ProcessHead[]> {
  const belongs = membership(proc, selector);
  const all = await listProcesses(proc, signal);
  // A nested namespace's processes descend from one inside: membership is inherited from the parent.
  const inside = new Map<number, boolean>();
  const parents = new Map(all.map((head) => [head.pid, head.parent]));
  const isInside = (pid: number): boolean => {
    const known = inside.get(pid);
    if (known !== undefined) return known;
    const parent = parents.get(pid);
    const answer = belongs(pid) || (selector.by === "pid-namespace" && parent !== undefined && parent > 1 && isInside(parent));
    inside.set(pid, answer);
    return answer;
  };
  return all.filter((head) => head.pid > 1 && head.parent !== 2 && head.pid !== 2 && isInside(head.pid));
}

function membership(proc: string, selector: GuestSelector): (pid: number) => boolean {
  const own = namespaceOf(proc, "self");
  switch (selector.by) {
    case "pid-namespace": {
      const wanted = namespaceOf(proc, selector.pid);
      // The host's own namespace is not a guest: it would select everything.
      return (pid) => wanted !== undefined && wanted !== own && namespaceOf(proc, pid) === wanted;
    }
    case "cgroup": {
      const path = selector.path.replace(/\/+$/u, "");
      return (pid) => path !== "" && cgroupPaths(proc, pid).some((at) => at === path || at.startsWith(`${path}/`));
    }
    case "root": {
      const wanted = rootOf(selector.directory);
      const host = rootOf("/");
      return (pid) => wanted !== undefined && wanted !== host && rootOf(join(proc, String(pid), "root")) === wanted;
    }
    case "pids": {
      const pids = new Set(selector.pids);
      return (pid) => pids.has(pid);
    }
  }
}

function namespaceOf(proc: string, pid: number | "self"): string | undefined {
  try {
    return readlinkSync(join(proc, String(pid), "ns/pid"));
  } catch {
    return undefined;
  }
}

/** Device and inode name a root directory across mount namespaces; its path does not. */
function rootOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch {
    return undefined;
  }
}

/** The control groups of a process, one a hierarchy, as `/a/b`. */
export function cgroupPaths(proc: string, pid: number): string[] {
  try {
    return readFileSync(join(proc, String(pid), "cgroup"), "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => line.slice(line.indexOf(":", line.indexOf(":") + 1) + 1));
  } catch {
    return [];
  }
}
