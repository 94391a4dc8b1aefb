import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { GuestRoot } from "./guest-root.ts";
import { type Mount, parseMountTable, placeOn } from "./mount-table.ts";

/** A place in a file system that something is mounted on: replacing it would take the mount away, or leave it on the old inode. */
interface Covered {
  readonly device: string;
  readonly path: string;
}

/**
 * Names in guests that are mount points in any mount namespace, such as a bind-mounted resolv.conf: latin1 paths from
 * each guest's root, by number of root. Namespaces of processes that end meanwhile are left out.
 */
export function readMountPoints(roots: readonly GuestRoot[]): string[][] {
  const covered = readMountTables().flatMap(coveredPlaces);
  return roots.map((root) => namesBelow(root, covered));
}

function readMountTables(): Mount[][] {
  const seen = new Set<string>();
  return readdirSync("/proc").flatMap((pid) => {
    if (!/^\d+$/u.test(pid)) return [];
    try {
      const namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
      // A chroot sees only part of its namespace's table, so the root belongs to the key.
      const key = `${namespace} ${readlinkSync(`/proc/${pid}/root`)}`;
      if (seen.has(key)) return [];
      const mounts = parseMountTable(readFileSync(`/proc/${pid}/mountinfo`, "latin1"));
      seen.add(key);
      return [mounts];
    } catch {
      return []; // ended, or a kernel thread
    }
  });
}

/** Where each mount sits in the file system below it. */
export function coveredPlaces(mounts: readonly Mount[]): Covered[] {
  const byId = new Map(mounts.map((mount) => [mount.id, mount]));
  return mounts.flatMap((mount) => {
    const below = byId.get(mount.parent);
    if (below === undefined || below === mount) return [];
    return [{ device: below.device, path: placeOn(below, mount.mountPoint) }];
  });
}

function namesBelow(root: GuestRoot, covered: readonly Covered[]): string[] {
  const top = placeOn(root.mount, Buffer.from(root.path).toString("latin1"));
  const prefix = top === "/" ? "/" : `${top}/`;
  return covered.flatMap((place) => (place.device === root.mount.device && place.path.startsWith(prefix) ? [place.path.slice(prefix.length - 1)] : []));
}
