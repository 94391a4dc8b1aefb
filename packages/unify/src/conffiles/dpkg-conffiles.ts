import type { ConffileSet } from "./conffile-set.ts";
import { DatabaseFault } from "./database-fault.ts";
import type { GuestTree } from "./guest-file.ts";

const statusFile = "var/lib/dpkg/status";
const infoDirectory = "var/lib/dpkg/info";

/** Debian's whole archive as one status file is about 80 MB. */
const largestStatus = 128 * 1024 * 1024;
/** The longest list in Debian has some hundred lines. */
const largestList = 1024 * 1024;
/** Debian has about 70,000 packages with a dozen files each in info/. */
const mostLists = 100_000;

/**
 * Adds the conffiles dpkg knows: `info/PACKAGE.conffiles` (what the installed version ships) and the status file's
 * Conffiles fields (which also hold obsolete ones, left from older versions: still the administrator's).
 * Formats: deb-conffiles(5), and dpkg's lib/dpkg/fields.c for the status file.
 * @returns whether there is a dpkg database
 */
export function readDpkgConffiles(tree: GuestTree, conffiles: ConffileSet, signal: AbortSignal): boolean {
  const lists = tree.list(infoDirectory, ".conffiles", mostLists);
  if (lists === undefined) throw new DatabaseFault("corrupt", `holds more than ${mostLists} conffile lists`);
  for (const name of lists) {
    signal.throwIfAborted();
    const text = readText(tree, `${infoDirectory}/${name}`, largestList);
    for (const path of text === undefined ? [] : parseConffileList(text)) conffiles.add(path);
  }
  const status = readText(tree, statusFile, largestStatus);
  signal.throwIfAborted();
  for (const path of status === undefined ? [] : parseStatusConffiles(status)) conffiles.add(path);
  return status !== undefined || lists.length > 0;
}

/** Lines of deb-conffiles(5): a path, or `remove-on-upgrade` and a path. */
function* parseConffileList(text: string): Generator<string> {
  for (const line of text.split("\n")) {
    const path = line.replace(/^remove-on-upgrade[ \t]+/u, "").trim();
    if (path !== "") yield path;
  }
}

/** The continuation lines of every Conffiles field: ` PATH MD5`, then perhaps `obsolete`, `remove-on-upgrade`; a path may hold spaces. */
function* parseStatusConffiles(text: string): Generator<string> {
  // Only the fields are looked at line by line: they are a hundredth of the file.
  for (const { index } of text.matchAll(/(?<=^|\n)conffiles:/giu)) {
    for (const line of continuationLines(text, index)) {
      const path = pathBeforeDigest(line);
      if (path !== undefined) yield path;
    }
  }
}

/** Read from its end, each byte once: a guest may have written a line of a hundred million blanks. */
function pathBeforeDigest(line: string): string | undefined {
  let end = beforeBlanks(line, line.length);
  for (;;) {
    let start = end;
    while (start > 0 && !isBlank(line[start - 1])) start--;
    const word = line.slice(start, end);
    end = beforeBlanks(line, start);
    if (word === "obsolete" || word === "remove-on-upgrade") continue;
    if (word.length > 32 || !/^(?:[0-9a-f]{32}|newconffile)$/u.test(word)) return undefined;
    let from = 0;
    while (from < end && isBlank(line[from])) from++;
    return line.slice(from, end);
  }
}

function beforeBlanks(line: string, end: number): number {
  let at = end;
  while (at > 0 && isBlank(line[at - 1])) at--;
  return at;
}

function isBlank(character: string | undefined): boolean {
  return character === " " || character === "\t";
}

/** The lines after the one at `field` that begin with a blank. */
function* continuationLines(text: string, field: number): Generator<string> {
  for (let from = text.indexOf("\n", field) + 1; from > 0 && (text[from] === " " || text[from] === "\t"); ) {
    const end = text.indexOf("\n", from);
    yield text.slice(from, end === -1 ? text.length : end);
    from = end + 1;
  }
}

/** A whole text file as latin1, so that bytes stay bytes. */
function readText(tree: GuestTree, path: string, limit: number): string | undefined {
  using file = tree.openFile(path);
  if (file === undefined) return undefined;
  if (file.size > limit) throw new DatabaseFault("corrupt", `/${path} has ${file.size} bytes, more than the ${limit} that a real one can have`);
  return file.read(0, file.size).toString("latin1");
}
