import { closeSync, constants, fstatSync } from "node:fs";
import { LinuxError, openBelow } from "@samepage/linux";
import type { ListedName } from "@samepage/linux";
import { fileSource } from "../elf/byte-source.ts";

const database = "var/lib/dpkg/info/";
const suffix = ".list";

/** Bytes of one package's list; the largest of Debian's (kernel headers, icon themes) have 3 MB. */
const largestList = 16 * 1024 ** 2;

/** Bytes of all lists together; a whole desktop has 60 MB. A tree that offers more is not believed further. */
const mostBytes = 256 * 1024 ** 2;

/**
 * Which package owns which file, from dpkg's own lists in the tree (dpkg(1), FILES): nothing of the
 * tree is executed, nothing outside it read. Paths are as they lie in the tree: where /lib is a link to
 * usr/lib, so are the lists' names. Without dpkg nobody owns anything.
 * @param names what listBelow found
 * @returns a function from a path (latin1, without leading slash) to the package's name
 */
export function readOwners(root: number, names: readonly ListedName[]): (path: string) => string | undefined {
  const owners = new Map<string, string>();
  const links = topLevelLinks(names);
  let left = mostBytes;
  for (const { path } of names) {
    const list = path.toString("latin1");
    if (!list.startsWith(database) || !list.endsWith(suffix)) continue;
    const owner = list.slice(database.length, -suffix.length).split(":")[0] ?? "";
    const text = readList(root, path, Math.min(left, largestList));
    left -= text.length;
    for (const line of text.split("\n")) owners.set(asItLies(line.slice(1), links), owner);
  }
  return (path) => owners.get(path);
}

/** Symbolic links in the root of a merged-/usr system: lib → usr/lib. */
function topLevelLinks(names: readonly ListedName[]): Map<string, string> {
  const links = new Map<string, string>();
  for (const { path, target } of names) {
    const link = target.toString("latin1");
    if (/^usr\/[a-z0-9]+$/.test(link) && !path.includes("/")) links.set(path.toString("latin1"), link);
  }
  return links;
}

function asItLies(path: string, links: ReadonlyMap<string, string>): string {
  const slash = path.indexOf("/");
  const link = slash < 0 ? undefined : links.get(path.slice(0, slash));
  return link === undefined ? path : link + path.slice(slash);
}

/** At most `limit` bytes of a list; nothing of what cannot be read, for owners only explain. */
function readList(root: number, path: Buffer, limit: number): string {
  let fd = -1;
  try {
    fd = openBelow(root, path, constants.O_RDONLY);
    const stat = fstatSync(fd);
    return stat.isFile() ? fileSource(fd, Math.min(stat.size, limit)).read(0, limit).toString("latin1") : "";
  } catch (error) {
    if (error instanceof LinuxError) return "";
    throw error;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}
