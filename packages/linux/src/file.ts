import { LinuxError } from "./linux-error.ts";
import { native } from "./native.ts";

/**
 * Takes the exclusive flock(2) of an open file without waiting; it goes when the file is closed or the process ends.
 * @returns false while somebody else holds it
 * @throws LinuxError
 */
export function tryLock(fd: number): boolean {
  return translate(() => native.tryLock(fd));
}

/**
 * Sets or lifts the immutable flag (chattr +i) of an open file.
 * @returns whether it was set before
 * @throws LinuxError ENOTTY, EOPNOTSUPP where the file system has no such flag
 */
export function setImmutable(fd: number, on: boolean): boolean {
  return translate(() => native.setImmutable(fd, on));
}

/**
 * Sets the modification time of an open file or directory to the nanosecond, which Node's own calls round.
 * @throws LinuxError
 */
export function setModified(fd: number, ns: bigint): void {
  translate(() => native.setModified(fd, ns));
}

/**
 * Device and inode of a directory, which name it across mount namespaces where its path does not. The file system itself is
 * not asked (AT_STATX_DONT_SYNC): the root of a process may be a FUSE mount whose daemon never answers.
 * @returns undefined where it cannot be looked at
 */
export function directoryIdentity(path: string): string | undefined {
  return native.directoryIdentity(path);
}

function translate<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw LinuxError.from(error);
  }
}
