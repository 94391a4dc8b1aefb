import { closeSync, constants, fstatSync } from "node:fs";
import { LinuxError, openBelow } from "@samepage/linux";
import { CatalogError } from "../catalog-error.ts";
import { fileSource } from "../elf/byte-source.ts";
import { neededLibraries } from "../elf/needed-libraries.ts";
import { readElf } from "../elf/read-elf.ts";

/**
 * The libraries that a guest's program or library needs, by name.
 * @param root open directory of the guest
 * @returns undefined when it is gone, no object of a machine that is known, or malformed
 */
export function readNeeded(root: number, path: Buffer): string[] | undefined {
  let fd = -1;
  try {
    fd = openBelow(root, path, constants.O_RDONLY);
    const stat = fstatSync(fd);
    const source = fileSource(fd, stat.size);
    const elf = stat.isFile() ? readElf(source) : undefined;
    return elf === undefined ? undefined : neededLibraries(source, elf);
  } catch (error) {
    if (error instanceof CatalogError || error instanceof LinuxError) return undefined;
    throw error;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}
