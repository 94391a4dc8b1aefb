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

function translate<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw LinuxError.from(error);
  }
}
