import { isAbsolute } from "node:path";
import { cgroupPaths, listProcesses } from "./guest-processes.ts";
import type { GuestSelector } from "./guest-processes.ts";
import { KsmError } from "./ksm-error.ts";

/**
 * What an operator writes for a guest, as a selector: `pid:N` (its pid namespace), `cgroup:/PATH`, an absolute directory
 * (its root), or a container's name, looked up in the control groups that LXC, Incus and systemd-nspawn make.
 * @throws KsmError no-guest when nothing running answers to the name
 */
export async function resolveGuest(proc: string, guest: string, signal?: AbortSignal): Promise<GuestSelector> {
  const pid = /^pid:(\d+)$/u.exec(guest)?.[1];
  if (pid !== undefined) return { by: "pid-namespace", pid: Number(pid) };
  if (guest.startsWith("cgroup:/")) return { by: "cgroup", path: guest.slice("cgroup:".length) };
  if (isAbsolute(guest)) return { by: "root", directory: guest };
  const name = guest.replace(/^(lxc|incus|nspawn)\//u, "");
  const wanted = new Set([`lxc.payload.${name}`, `machine-${name}.scope`, `systemd-nspawn@${name}.service`, `lxc/${name}`]);
  for (const head of await listProcesses(proc, signal)) {
    for (const path of cgroupPaths(proc, head.pid)) {
      const at = findGroup(path, wanted);
      if (at !== undefined) return { by: "cgroup", path: at };
    }
  }
  throw new KsmError("no-guest", guest, "no running guest has this name", "name it by pid:N, cgroup:/PATH or its root directory");
}

/** The prefix of a control group path that ends in one of the wanted names. */
function findGroup(path: string, wanted: ReadonlySet<string>): string | undefined {
  const parts = path.split("/");
  for (let end = 1; end <= parts.length; end++) {
    const last = parts[end - 1] ?? "";
    const pair = `${parts[end - 2] ?? ""}/${last}`;
    if (wanted.has(last) || wanted.has(pair)) return parts.slice(0, end).join("/");
  }
  return undefined;
}
