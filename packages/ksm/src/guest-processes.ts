import { readFileSync, readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { directoryIdentity } from "@samepage/linux";
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
  | { readonly by: "pids"; readonly pids: readonly number[] }
  /** Whatever the caller knows of the host's guests. */
  | { readonly by: "membership"; readonly belongs: (pid: number) => boolean };

/** Between two of these the event loop gets a turn: 5,000 processes are 5,000 small reads. */
const CHUNK = 200;

/** Every process of the host, kernel threads and zombies included, in order of number. */
export async function listProcesses(proc: string, signal?: AbortSignal): Promise<ProcessHead[]> {
  return (await scanProcesses(proc, signal, new Map())).heads;
}

async function scanProcesses(proc: string, signal: AbortSignal | undefined, known: ReadonlyMap<number, unknown>): Promise<{ heads: ProcessHead[]; vanished: number }> {
  const heads: ProcessHead[] = [];
  let [count, vanished] = [0, 0];
  for (const name of readdirSync(proc)) {
    if (!/^\d+$/u.test(name) || known.has(Number(name))) continue;
    if (++count % CHUNK === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    const head = readProcessHead(proc, Number(name));
    if (head === undefined) vanished++;
    else heads.push(head);
  }
  return { heads, vanished };
}

/** The user processes of one guest, as of now. Empty when there are none. Process 1 of the host is never part of a guest. */
export async function guestProcesses(proc: string, selector: GuestSelector, signal?: AbortSignal): Promise<ProcessHead[]> {
  return (await new GuestScanner(proc, selector).scan(signal)).processes;
}

/** One look at a guest. */
export interface GuestScan {
  /** The guest's processes that no earlier look had seen. */
  readonly processes: ProcessHead[];
  /** Unknown processes that ended while they were looked at: any of them may have been the guest's, and have left a child. */
  readonly vanished: number;
}

/** Looks at a guest again and again. Known processes are passed over, so that a look is short and little happens under it. */
export class GuestScanner {
  readonly #proc: string;
  readonly #belongs: (pid: number) => boolean | undefined;
  /** A nested namespace's processes descend from one inside: membership is inherited from the parent. */
  readonly #inherits: boolean;
  readonly #inside = new Map<number, boolean>();

  constructor(proc: string, selector: GuestSelector) {
    this.#proc = proc;
    this.#belongs = membership(proc, selector);
    this.#inherits = selector.by === "pid-namespace";
  }

  async scan(signal?: AbortSignal): Promise<GuestScan> {
    const { heads, vanished } = await scanProcesses(this.#proc, signal, this.#inside);
    const fresh = new Map(heads.map((head) => [head.pid, head]));
    let unknown = vanished;
    const isInside = (head: ProcessHead): boolean => {
      const known = this.#inside.get(head.pid);
      if (known !== undefined) return known;
      const direct = this.#belongs(head.pid);
      if (direct === undefined && head.state !== "Z") unknown++;
      const answer = direct === true || (this.#inherits && head.parent > 1 && parentInside(head.parent));
      this.#inside.set(head.pid, answer);
      return answer;
    };
    const parentInside = (parent: number): boolean => {
      const head = fresh.get(parent);
      return head === undefined ? this.#inside.get(parent) === true : isInside(head);
    };
    // 2 is kthreadd, the parent of all kernel threads.
    const processes = heads.filter((head) => head.pid > 2 && head.parent !== 2 && isInside(head));
    return { processes, vanished: unknown };
  }
}

/** Answers `undefined` for a process that is gone, or nearly: a zombie has no namespaces left. */
function membership(proc: string, selector: GuestSelector): (pid: number) => boolean | undefined {
  const own = namespaceOf(proc, "self");
  switch (selector.by) {
    case "pid-namespace": {
      const wanted = namespaceOf(proc, selector.pid);
      // The host's own namespace is not a guest: it would select everything.
      return (pid) => {
        const namespace = namespaceOf(proc, pid);
        return namespace === undefined ? undefined : wanted !== undefined && wanted !== own && namespace === wanted;
      };
    }
    case "cgroup": {
      const path = selector.path.replace(/\/+$/u, "");
      return (pid) => {
        const groups = cgroupPaths(proc, pid);
        return groups.length === 0 ? undefined : path !== "" && groups.some((at) => at === path || at.startsWith(`${path}/`));
      };
    }
    case "root": {
      const wanted = directoryIdentity(selector.directory);
      const host = directoryIdentity("/");
      return (pid) => {
        const root = directoryIdentity(join(proc, String(pid), "root"));
        return root === undefined ? undefined : wanted !== undefined && wanted !== host && root === wanted;
      };
    }
    case "pids": {
      const pids = new Set(selector.pids);
      return (pid) => pids.has(pid);
    }
    case "membership":
      return selector.belongs;
  }
}

function namespaceOf(proc: string, pid: number | "self"): string | undefined {
  try {
    return readlinkSync(join(proc, String(pid), "ns/pid"));
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
