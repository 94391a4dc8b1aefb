import { closeSync, constants, openSync, readFileSync, realpathSync } from "node:fs";
import type { GuestRoot } from "./guest-root.ts";
import type { Guest, HostTree } from "./guest.ts";
import { type Mount, placeOn } from "./mount-table.ts";

/**
 * What no host shares, whatever the exclude list says: the kernel's and the moment's own directories, and /boot, because
 * boot loaders may remember on which blocks of the disk a file lies.
 */
const neverShared = ["/proc", "/sys", "/dev", "/run", "/tmp", "/boot"];

/**
 * Directories in the host's root that are not the host's: roots of guests, wherever they are mounted from, and state.
 * @returns latin1 paths from the host's root, each with its leading slash
 */
export function placesOfOthers(host: Pick<GuestRoot, "path" | "mount">, { leftOut }: HostTree, guests: readonly Guest[], mounts: readonly Mount[]): string[] {
  const top = placeOn(host.mount, latin1(host.path));
  const prefix = top === "/" ? "/" : `${top}/`;
  const others = [...leftOut, ...guests.filter((guest) => guest.host === undefined).map(({ path }) => path)];
  const places = others.flatMap((path) => {
    const place = placeOf(path, mounts);
    // A guest may be reached through a bind mount of a directory of the host: only its place in the file system tells.
    return place !== undefined && place.device === host.mount.device && place.path.startsWith(prefix) && place.path !== prefix ? [place.path.slice(prefix.length - 1)] : [];
  });
  return [...new Set([...neverShared, ...places])].sort();
}

/** Undefined for what is not there, so that nothing of it is to be left out, and for what is in no mount of this namespace. */
function placeOf(path: string, mounts: readonly Mount[]): { readonly device: string; readonly path: string } | undefined {
  let fd: number;
  let real: string;
  try {
    real = realpathSync(path);
    fd = openSync(real, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
    throw error;
  }
  try {
    const mount = mountOf(fd, mounts);
    return mount === undefined ? undefined : { device: mount.device, path: placeOn(mount, latin1(real)) };
  } finally {
    closeSync(fd);
  }
}

/** The mount that an open file or directory lies on, where this mount namespace has it. */
export function mountOf(fd: number, mounts: readonly Mount[]): Mount | undefined {
  const id = Number(/^mnt_id:\s*(\d+)/mu.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1]);
  return mounts.find((each) => each.id === id);
}

function latin1(path: string): string {
  return Buffer.from(path).toString("latin1");
}
