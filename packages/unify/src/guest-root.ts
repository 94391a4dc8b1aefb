import { closeSync, constants, fstatSync, openSync, readFileSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Guest } from "./guest.ts";
import { mountOf, placesOfOthers } from "./host-places.ts";
import { type Mount, parseMountTable } from "./mount-table.ts";
import { UnifyError } from "./unify-error.ts";

/** A guest's root, open, and the file system it lies on. */
export interface GuestRoot {
  readonly guest: Guest;
  /** Open directory; every access to the guest goes through it. */
  readonly fd: number;
  readonly path: string;
  /** st_dev. */
  readonly device: bigint;
  readonly mount: Mount;
  /**
   * Where pool and quarantine of this guest's file system belong: the topmost directory that hard links can reach
   * from the guest, so normally the mount point; on btrfs the subvolume's own top, because links do not leave it.
   */
  readonly top: string;
  /** Directories in it that are others': latin1 paths from the root, each with its leading slash. Empty but for the host's own root. */
  readonly leftOut: readonly string[];
}

/** Open roots that close together. */
export class GuestRoots implements Disposable {
  readonly all: readonly GuestRoot[];

  constructor(roots: readonly GuestRoot[]) {
    this.all = roots;
  }

  [Symbol.dispose](): void {
    for (const { fd } of this.all) closeSync(fd);
  }
}

/**
 * Opens the guests' roots, or says in one line what is wrong with the first that cannot take part; nothing stays open then.
 * @throws UnifyError no-guests, path-missing, not-a-directory, not-permitted, nested-guests, bad-guest
 */
export function openGuestRoots(guests: readonly Guest[]): GuestRoots {
  if (guests.length === 0) throw new UnifyError("no-guests", "guests", "none are given", "Name at least one guest root directory.");
  const mounts = parseMountTable(readFileSync("/proc/self/mountinfo", "latin1"));
  const roots: GuestRoot[] = [];
  try {
    for (const guest of guests) {
      const root = openRoot(guest, mounts);
      roots.push(guest.host === undefined ? root : { ...root, leftOut: placesOfOthers(root, guest.host, guests, mounts) });
    }
    refuseNested(roots);
    return new GuestRoots(roots);
  } catch (error) {
    for (const { fd } of roots) closeSync(fd);
    throw error;
  }
}

function openRoot(guest: Guest, mounts: readonly Mount[]): GuestRoot {
  let fd: number | undefined;
  try {
    const path = realpathSync(guest.path);
    // eslint-disable-next-line unicorn/no-useless-undefined -- the descriptor is closed below when a later step fails
    fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    const device = fstatSync(fd, { bigint: true }).dev;
    const mount = mountOf(fd, mounts);
    if (mount === undefined) {
      throw new UnifyError("bad-guest", guest.path, "lies on a mount that is not in this mount namespace", "Run where the guest's file system is mounted.");
    }
    return { guest, fd, path, device, mount, top: topOf(path, device, Buffer.from(mount.mountPoint, "latin1").toString()), leftOut: [] };
  } catch (error) {
    if (fd !== undefined) closeSync(fd);
    throw error instanceof UnifyError ? error : toGuestError(guest.path, error);
  }
}

/** The highest ancestor on the same device and mount. */
function topOf(path: string, device: bigint, mountPoint: string): string {
  let top = path;
  while (top !== mountPoint && top !== "/") {
    const parent = dirname(top);
    if (statSync(parent, { bigint: true }).dev !== device) break;
    top = parent;
  }
  return top;
}

function toGuestError(path: string, cause: unknown): UnifyError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "ENOENT":
      return new UnifyError("path-missing", path, "does not exist", "Check the spelling, or leave this guest out.", { cause });
    case "ENOTDIR":
      return new UnifyError("not-a-directory", path, "is not a directory", "Name the guest's root directory.", { cause });
    case "EACCES":
    case "EPERM":
      return new UnifyError("not-permitted", path, "may not be read by this user", "Run as root.", { cause });
    default:
      return new UnifyError("bad-guest", path, "cannot be opened as a directory", "Name the guest's root directory.", { cause });
  }
}

function refuseNested(roots: readonly GuestRoot[]): void {
  const sorted = [...roots].sort((a, b) => (a.path < b.path ? -1 : 1));
  for (const [at, inner] of sorted.entries()) {
    // Sorting puts a directory before what is in it, though not always right before. The host's root leaves out the guests in it.
    const outer = sorted.slice(0, at).find(({ path, guest }) => path === inner.path || (guest.host === undefined && inner.path.startsWith(path === "/" ? "/" : `${path}/`)));
    if (outer === undefined) continue;
    const how = outer.path === inner.path ? "is given twice" : `lies inside the guest ${outer.guest.path}`;
    throw new UnifyError("nested-guests", inner.guest.path, how, "Name guests that do not contain one another; only the host's own root may (--host-first).");
  }
}
