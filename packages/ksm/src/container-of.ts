import { cgroupPaths } from "./guest-processes.ts";

/** The container that a control group belongs to. */
export interface ContainerGroup {
  /** LXC's and Incus' groups look alike. */
  readonly manager: "lxc" | "nspawn";
  /** As its manager names it; Incus puts `PROJECT_` before the names of projects other than `default`. */
  readonly name: string;
  /** The container's own group, as /proc/PID/cgroup names it. */
  readonly path: string;
}

/**
 * The container of a control group, by the names that managers give; pure. The outermost name counts: what a guest makes
 * below its own group is its own invention. So is everything in a user's session, where any user may name groups:
 * such a container has no name here, and is selected by its group's path.
 */
export function containerOf(path: string): ContainerGroup | undefined {
  const parts = path.split("/");
  for (const [at, part] of parts.entries()) {
    if (part === "user.slice" || /^user(?:@\d+\.service|-\d+\.slice)$/u.test(part)) return undefined;
    const own = parts.slice(0, at + 1).join("/");
    const payload = /^lxc\.payload\.(.+)$/u.exec(part)?.[1] ?? (parts[at - 1] === "lxc" ? part : undefined);
    if (payload !== undefined && payload !== "") return { manager: "lxc", name: payload, path: own };
    const machine = /^machine-(.+)\.scope$/u.exec(part)?.[1];
    if (machine !== undefined) return { manager: "nspawn", name: unescapeUnit(machine), path: own };
    const instance = /^systemd-nspawn@(.+)\.service$/u.exec(part)?.[1];
    if (instance !== undefined) return { manager: "nspawn", name: unescapeUnit(instance), path: own };
  }
  return undefined;
}

/** The container that a process runs in, if any. */
export function containerOfProcess(proc: string, pid: number): ContainerGroup | undefined {
  for (const path of cgroupPaths(proc, pid)) {
    const container = containerOf(path);
    if (container !== undefined) return container;
  }
  return undefined;
}

/** Unit names carry other characters as `\xNN`, a dash among them (systemd.unit(5)). */
function unescapeUnit(name: string): string {
  return name.replaceAll(/\\x([\da-f]{2})/giu, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)));
}
