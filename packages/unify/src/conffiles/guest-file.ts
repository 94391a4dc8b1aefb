import { closeSync, constants, fstatSync, openSync, opendirSync, readSync } from "node:fs";

/** open(2)'s O_PATH, which Node does not name: a descriptor that says what a name is without opening what it names. */
const O_PATH = 0o10000000;

/**
 * How many bytes `GuestFile` reads ahead at least and at most: databases are read in runs of small pieces, so each piece that
 * follows the last doubles it. One that jumps to and fro must not make us read all of it for every few bytes.
 */
const aheadBytes = { least: 16 * 1024, most: 1024 * 1024 };

/** Names of a directory that are fetched together. */
const namesAtOnce = 4096;

/** A regular file of a guest, open for reading; its content may change or shrink at any moment. */
export class GuestFile implements Disposable {
  /** Bytes, when it was opened. */
  readonly size: number;
  readonly #fd: number;
  #window = Buffer.alloc(0);
  #windowAt = 0;
  #ahead = aheadBytes.least;

  constructor(fd: number, size: number) {
    this.#fd = fd;
    this.size = size;
  }

  /** The bytes from `offset`, fewer at the file's end. Valid until the next call. */
  read(offset: number, length: number): Buffer {
    const within = offset - this.#windowAt;
    if (within >= 0 && within + length <= this.#window.length) return this.#window.subarray(within, within + length);
    this.#ahead = within > 0 && within <= this.#window.length ? Math.min(this.#ahead * 2, aheadBytes.most) : aheadBytes.least;
    const buffer = Buffer.allocUnsafe(Math.max(length, this.#ahead));
    let filled = 0;
    for (let read = -1; read !== 0 && filled < buffer.length; filled += read) {
      read = readSync(this.#fd, buffer, filled, buffer.length - filled, offset + filled);
    }
    this.#window = buffer.subarray(0, filled);
    this.#windowAt = offset;
    return this.#window.subarray(0, Math.min(length, filled));
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }
}

/**
 * Opens directories and files under a guest's root without ever leaving it: every component is opened by its own
 * name below the directory before it, no symbolic link is followed, and nothing but a directory or a regular file
 * is ever opened (a FIFO would block, a device act). Absent or of another kind: undefined.
 */
export class GuestTree implements Disposable {
  readonly #root: number;

  /** @param root the guest's root directory; this path itself is the host's and may hold links */
  constructor(root: string) {
    this.#root = openSync(root, O_PATH | constants.O_DIRECTORY);
  }

  /** A regular file, by its path from the root. */
  openFile(path: string): GuestFile | undefined {
    const fd = this.#open(path, (stats) => stats.isFile(), constants.O_RDONLY | constants.O_NOATIME);
    return fd === undefined ? undefined : new GuestFile(fd, fstatSync(fd).size);
  }

  /** Names in a directory that end in `suffix`, as latin1; undefined when there are more than `limit`. Not there: none. */
  list(path: string, suffix: string, limit: number): readonly string[] | undefined {
    const fd = this.#open(path, (stats) => stats.isDirectory(), constants.O_RDONLY | constants.O_DIRECTORY);
    if (fd === undefined) return [];
    try {
      const names: string[] = [];
      // A promise for each of a thousand names would cost four times what reading them does.
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node takes latin1 here; its types name a text encoding only.
      using directory = opendirSync(`/proc/self/fd/${fd}`, { encoding: "latin1" as "utf8", bufferSize: namesAtOnce });
      for (let entry = directory.readSync(); entry !== null; entry = directory.readSync()) {
        if (!entry.name.endsWith(suffix)) continue;
        if (names.length === limit) return undefined;
        names.push(entry.name);
      }
      return names;
    } finally {
      closeSync(fd);
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#root);
  }

  #open(path: string, accept: (stats: ReturnType<typeof fstatSync>) => boolean, flags: number): number | undefined {
    let at = this.#root;
    try {
      for (const name of path.split("/").filter(Boolean)) {
        const next = openBelow(at, name);
        if (at !== this.#root) closeSync(at);
        if (next === undefined) {
          at = this.#root;
          return undefined;
        }
        at = next;
      }
      // Through its own descriptor, so that it is the very file that was looked at.
      return accept(fstatSync(at)) ? openSync(`/proc/self/fd/${at}`, flags) : undefined;
    } finally {
      if (at !== this.#root) closeSync(at);
    }
  }
}

/** O_PATH of one name below a directory; a symbolic link is not followed (and then is no directory to go on from). */
function openBelow(directory: number, name: string): number | undefined {
  if (name === "." || name === "..") return undefined;
  try {
    return openSync(Buffer.from(`/proc/self/fd/${directory}/${name}`, "latin1"), O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ENAMETOOLONG" || code === "ELOOP") return undefined;
    throw error;
  }
}
