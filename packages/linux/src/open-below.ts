import { constants } from "node:fs";
import { LinuxError } from "./linux-error.ts";
import { native } from "./native.ts";

/**
 * Opens a path below an open directory without ever leaving it: no symbolic link, mount point or `..` is followed.
 * The path is bytes, without a leading slash; empty means the directory itself.
 * @param flags of open(2); O_NOFOLLOW, O_NONBLOCK and O_NOCTTY are added, so that a FIFO or a device cannot hang the caller
 * @returns a descriptor the caller closes
 * @throws LinuxError
 */
export function openBelow(root: number, path: Uint8Array, flags: number): number {
  try {
    return native.openBelow(root, path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch (error) {
    throw LinuxError.from(error);
  }
}

/** Sets an extended attribute of an open file. @throws LinuxError */
export function setAttribute(fd: number, name: string, value: Uint8Array): void {
  try {
    native.setAttribute(fd, Buffer.from(name), value);
  } catch (error) {
    throw LinuxError.from(error);
  }
}
