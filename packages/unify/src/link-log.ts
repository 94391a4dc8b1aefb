import { closeSync, constants, existsSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";

/** Names of one guest that were links to one inode before they were unified; latin1 of their bytes. */
export interface LinkedNames {
  readonly guest: string;
  readonly names: readonly string[];
}

/**
 * Keeps which names of a guest were hard links to each other, so that deunify can tell them from names that only became
 * links by unification. One JSON object a line, appended and made durable before anything is swapped.
 */
export function appendLinkedNames(path: string, entries: readonly LinkedNames[]): void {
  if (entries.length === 0) return;
  const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
  try {
    writeSync(fd, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    fdatasyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Which file each name belonged to: by guest and name, a key that is equal for names that were links to each other. A
 * later entry for a name replaces an earlier one. A torn last line is left out.
 */
export function readLinkedNames(path: string): Map<string, string> {
  const files = new Map<string, string>();
  if (!existsSync(path)) return files;
  for (const [number, line] of readFileSync(path, "utf8").split("\n").entries()) {
    const entry = parse(line);
    if (entry === undefined) continue;
    for (const name of entry.names) files.set(linkedNameKey(entry.guest, name), `${number}`);
  }
  return files;
}

export function linkedNameKey(guest: string, name: string): string {
  return `${guest}\0${name}`;
}

function parse(line: string): LinkedNames | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    if (typeof entry !== "object" || entry === null || !("guest" in entry) || !("names" in entry)) return undefined;
    if (typeof entry.guest !== "string" || !Array.isArray(entry.names)) return undefined;
    return { guest: entry.guest, names: entry.names.map(String) };
  } catch {
    return undefined;
  }
}
