import { closeSync, constants, fstatSync } from "node:fs";
import { LinuxError, openBelow } from "@samepage/linux";
import { CatalogError } from "../catalog-error.ts";
import { readBuildId } from "../elf/build-id.ts";
import { fileSource } from "../elf/byte-source.ts";
import { readElf } from "../elf/read-elf.ts";
import { findOriginal } from "../prelink/find-original.ts";
import { recognisePrelink } from "../prelink/recognise-prelink.ts";
import type { TreeEntry } from "./tree-entry.ts";

/** Undoing reads the file into memory; programs and libraries do not come near this many bytes. */
const largestObject = 256 * 1024 ** 2;

/**
 * What a manifest says about a program or library beyond its content: build-id, prelinked, and the
 * digest of its original. Only headers are read unless it is prelinked. Malformed or vanished: nothing.
 */
export function inspectObject(root: number, path: Buffer, size: number): Partial<Pick<TreeEntry, "buildId" | "prelinked" | "original">> {
  let fd = -1;
  try {
    fd = openBelow(root, path, constants.O_RDONLY);
    if (!fstatSync(fd).isFile()) return {};
    const source = fileSource(fd, size);
    const elf = readElf(source);
    if (elf === undefined) return {};
    const buildId = readBuildId(source, elf);
    const known = buildId === undefined ? {} : { buildId };
    const state = recognisePrelink(source, elf);
    if (state === "plain" || size > largestObject) return known;
    const { originalDigest } = findOriginal(source.read(0, size));
    const original = originalDigest === undefined ? {} : { original: Buffer.from(originalDigest, "hex") };
    return { ...known, prelinked: state === "prelinked", ...original };
  } catch (error) {
    if (error instanceof CatalogError || error instanceof LinuxError) return {};
    throw error;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}
