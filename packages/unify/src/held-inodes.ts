import { readFileSync, statSync } from "node:fs";

/** Inodes that must stay as they are because somebody holds on to them; keys as `inodeKey` makes them. */
export interface HeldInodes {
  readonly locked: ReadonlySet<string>;
  readonly swap: ReadonlySet<string>;
}

/** @param device `major:minor` in decimal */
export function inodeKey(device: string, ino: number): string {
  return `${device}:${ino}`;
}

/** Reads which inodes are locked (flock, POSIX, OFD, or another's lease) or are swap files, now. */
export function readHeldInodes(): HeldInodes {
  return { locked: parseLocks(readFileSync("/proc/locks", "latin1"), process.pid), swap: swapFiles(readFileSync("/proc/swaps", "latin1")) };
}

/**
 * The inodes of /proc/locks (proc_locks(5)); device numbers there are hexadecimal. Leases of this process are the engine's own.
 * @returns keys of inodes
 */
export function parseLocks(text: string, ownPid: number): Set<string> {
  const keys = new Set<string>();
  for (const line of text.split("\n")) {
    const [, type, pid, major, minor, ino] = /^\d+:\s+(?:->\s+)?(\S+)\s+\S+\s+\S+\s+(-?\d+)\s+([0-9a-f]+):([0-9a-f]+):(\d+)\s/u.exec(line) ?? [];
    if (type === undefined || type === "DELEG" || (type === "LEASE" && Number(pid) === ownPid)) continue;
    keys.add(inodeKey(`${Number.parseInt(major ?? "0", 16)}:${Number.parseInt(minor ?? "0", 16)}`, Number(ino)));
  }
  return keys;
}

function swapFiles(text: string): Set<string> {
  const keys = new Set<string>();
  for (const line of text.split("\n").slice(1)) {
    const [path, type] = line.split(/\s+/u);
    if (path === undefined || type !== "file") continue;
    const { dev, ino } = statSync(Buffer.from(path.replaceAll(/\\([0-7]{3})/gu, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8))), "latin1"), { throwIfNoEntry: false }) ?? {};
    if (dev !== undefined && ino !== undefined) keys.add(inodeKey(deviceText(BigInt(dev)), ino));
  }
  return keys;
}

/** `major:minor` of a device number as stat gives it (glibc's gnu_dev_major and gnu_dev_minor). */
export function deviceText(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn);
  const minor = (device & 0xffn) | ((device >> 12n) & ~0xffn);
  return `${major}:${minor & 0xffffffffn}`;
}
