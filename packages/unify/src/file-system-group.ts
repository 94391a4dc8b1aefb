import { createHash } from "node:crypto";
import { chooseStrategy } from "./choose-strategy.ts";
import type { GuestRoot } from "./guest-root.ts";
import type { ChosenStrategy } from "./strategy.ts";
import { UnifyError } from "./unify-error.ts";
import type { UnifyOptions } from "./unify-options.ts";

/** Guests whose files can come to share by one strategy. */
export interface FileSystemGroup {
  readonly chosen: ChosenStrategy;
  readonly mount: string;
  readonly type: string;
  readonly top: string;
  readonly guests: readonly GuestRoot[];
}

/** Names of one space may come to share storage: one file system group and one trust domain. */
export interface Space {
  readonly group: FileSystemGroup;
  readonly domain: string;
  readonly tag: number;
}

/**
 * Puts guests that can share together. Hard links need the same mount and device; reflinks cross btrfs subvolumes.
 * @throws UnifyError those of chooseStrategy; other-file-system when no two of several guests could ever share
 */
export function groupByFileSystem(guests: readonly GuestRoot[], options: UnifyOptions): FileSystemGroup[] {
  const byMount = Map.groupBy(guests, (root) => `${root.mount.id} ${root.device}`);
  const groups = [...byMount.values()].map((members) => toGroup(members, options));
  const merged = Map.groupBy(groups, (group) => (group.chosen.strategy === "reflink" ? `reflink ${deviceOf(group)}` : `${group.top} ${deviceOf(group)}`));
  const result = [...merged.values()].flatMap(([first, ...others]) =>
    first === undefined ? [] : [{ ...first, guests: [first, ...others].flatMap((group) => group.guests) }],
  );
  const [alone] = guests;
  if (guests.length > 1 && result.length === guests.length && alone !== undefined) {
    const other = guests[1]?.guest.path ?? "";
    throw new UnifyError("other-file-system", other, `is on another file system than ${alone.guest.path}`, "Name guests that lie on one file system: storage is shared within a file system only.");
  }
  return result;
}

function deviceOf(group: FileSystemGroup): string {
  return group.guests[0]?.mount.device ?? "";
}

function toGroup(guests: readonly GuestRoot[], options: UnifyOptions): FileSystemGroup {
  const [first] = guests;
  if (first === undefined) throw new UnifyError("no-guests", "guests", "none are given", "Name at least one guest root directory.");
  const { mount, top } = first;
  const mountPoint = Buffer.from(mount.mountPoint, "latin1").toString();
  const chosen = chooseStrategy({
    strategy: options.strategy ?? "auto",
    guard: options.guard,
    hasCowGuard: options.cowGuard !== undefined,
    mountPoint,
    type: mount.type,
    readOnly: mount.readOnly,
    states: guests.map(({ guest }) => guest.state),
    hasHost: guests.some(({ guest }) => guest.host !== undefined),
  });
  return { chosen, mount: mountPoint, type: mount.type, top, guests };
}

/** The spaces of the groups in which something is done. */
export function spacesOf(groups: readonly FileSystemGroup[]): Space[] {
  return groups.flatMap((group) => {
    if (group.chosen.strategy === "nothing") return [];
    return [...new Set(group.guests.map(({ guest }) => guest.domain))].map((domain) => ({ group, domain, tag: domainTag(domain) }));
  });
}

/** What stands for a domain in the names of pool objects: the first 32 bits of its SHA-256. */
function domainTag(domain: string): number {
  return createHash("sha256").update(domain).digest().readUInt32BE(0);
}
