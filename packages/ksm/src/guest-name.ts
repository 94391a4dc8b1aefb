import { isAbsolute } from "node:path";
import { containerOfProcess } from "./container-of.ts";
import { listProcesses } from "./guest-processes.ts";
import type { GuestSelector } from "./guest-processes.ts";
import { KsmError } from "./ksm-error.ts";

/**
 * What an operator writes for a guest, as a selector: `pid:N` (its pid namespace), `cgroup:/PATH`, an absolute directory
 * (its root), or a container's name, looked up in the control groups that LXC, Incus and systemd-nspawn make.
 * @throws KsmError no-guest when nothing running answers to the name, or more than one
 */
export async function resolveGuest(proc: string, guest: string, signal?: AbortSignal): Promise<GuestSelector> {
  const pid = /^pid:(\d+)$/u.exec(guest)?.[1];
  if (pid !== undefined) return { by: "pid-namespace", pid: Number(pid) };
  if (guest.startsWith("cgroup:/")) return { by: "cgroup", path: guest.slice("cgroup:".length) };
  if (isAbsolute(guest)) return { by: "root", directory: guest };
  const [, prefix, name = guest] = /^(lxc|incus|nspawn)\/(.*)$/su.exec(guest) ?? [];
  const manager = prefix === "incus" ? "lxc" : prefix;
  const groups = new Set<string>();
  for (const { pid: candidate } of await listProcesses(proc, signal)) {
    const container = containerOfProcess(proc, candidate);
    if (container?.name === name && (manager === undefined || container.manager === manager)) groups.add(container.path);
  }
  const [path, other] = groups;
  if (path === undefined) throw new KsmError("no-guest", guest, "no running guest has this name", "name it by pid:N, cgroup:/PATH or its root directory");
  if (other !== undefined) throw new KsmError("no-guest", guest, `more than one has this name: ${[...groups].join(", ")}`, "name it by cgroup:/PATH");
  return { by: "cgroup", path };
}
