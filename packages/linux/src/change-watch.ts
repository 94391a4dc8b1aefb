import { closeSync, constants, fstatSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { LinuxError } from "./linux-error.ts";
import { native, type WatchHandle } from "./native.ts";

/** Why everything must be looked at. */
export type FullReason =
  | "first"
  /** Other roots than the last time. */
  | "roots"
  /** More changed than is kept, in the kernel's queue or here. */
  | "overflow"
  /** A root's file system was unmounted meanwhile. */
  | "unmounted"
  /** A root lies on a file system that cannot be watched, such as a btrfs subvolume whose top is mounted nowhere. */
  | "unsupported";

/**
 * What changed since the last time: a hint where to look, never a promise of what is there. Guests are hostile and
 * go on while this is read, so whoever acts on it looks at the files again, as always.
 */
export type Changes =
  | { readonly kind: "full"; readonly reason: FullReason }
  | {
      readonly kind: "paths";
      readonly paths: readonly ChangedPath[];
      /**
       * Files that changed (as a rule, their link count) without anybody saying by which name. The names of an inode
       * change together, and only the one that was used is in `paths`: who keeps facts of hard links looks at the others too.
       */
      readonly inodes: readonly ChangedInode[];
    };

export interface ChangedPath {
  /** Its place in the roots that were asked for. */
  readonly root: number;
  /** latin1 of the path's bytes from the root, with a leading slash; empty for the root itself. It may be gone by now. */
  readonly path: string;
  /**
   * How far below it something may differ: `self` the name, its file and its attributes; `children` every name directly
   * in this directory; `all` everything below (a directory came, went or was moved).
   */
  readonly depth: "self" | "children" | "all";
}

/** What a watch saw, apart from when it saw too little. */
export type KnownChanges = Omit<Extract<Changes, { kind: "paths" }>, "kind">;

interface ChangedInode {
  /** A root on its file system: the inode may have names in any, or in none. */
  readonly root: number;
  readonly ino: number;
}

/**
 * Bytes of notes on one file system at most, about 200,000 names; beyond that the answer is `full`. A walk of so many
 * directories again costs no more than finding each.
 */
const defaultLimit = 16 * 2 ** 20;

/** Order is the contract with native/change-set.h; what has none is an inode. */
const depths = [undefined, "self", "children", "all"] as const;
/** Order is the contract with native/change-watch.h. */
const states = ["complete", "overflow", "unmounted"] as const;
const entryHead = 5;
const depthNumbers = new Map(depths.map((depth, number) => [depth, number]));

interface Root {
  readonly fd: number;
  /** The file system's own device, `major:minor`; on btrfs st_dev is another one. */
  readonly device: string;
  readonly identity: string;
}

/**
 * Knows which names changed below some directories, by fanotify on their whole file systems (Linux 5.9, CAP_SYS_ADMIN):
 * whatever mount namespace, bind mount or chroot a writer uses. One reader each: `take` empties it.
 * A store through a shared mapping shows when the file is closed. ext4, XFS, and btrfs where its top level is mounted.
 */
export class ChangeWatch implements Disposable {
  readonly #limit: number;
  readonly #watches = new Map<string, WatchHandle>();
  #asked: string | undefined;

  constructor(options: { readonly limit?: number } = {}) {
    this.#limit = options.limit ?? defaultLimit;
  }

  /**
   * What changed below `roots` since the last call; the first is `full`, and starts watching. Look after calling: what
   * changes from now on is in the next answer.
   * @param roots open directories, none inside another
   * @throws LinuxError EPERM without CAP_SYS_ADMIN, ENOMEM, EMFILE
   */
  async take(roots: readonly number[]): Promise<Changes> {
    const mounts = readMounts();
    const all = roots.map((fd) => rootOf(fd, mounts));
    const asked = all.map(({ identity }) => identity).join("\0");
    const [before, isSame] = [this.#asked, this.#asked === asked];
    this.#asked = undefined;
    const full: FullReason[] = isSame ? [] : [before === undefined ? "first" : "roots"];
    const changed: Changed = { paths: [], inodes: [] };
    try {
      for (const [device, members] of Map.groupBy([...all.entries()], ([, root]) => root.device)) {
        const watch = this.#watches.get(device);
        if (watch === undefined) {
          this.#watches.set(device, this.#open(members.map(([, { fd }]) => fd), tops(device, mounts)));
          full.push("first");
          continue;
        }
        const { state, entries } = await native.watchTake(watch, Int32Array.from(members, ([, { fd }]) => fd));
        const reason = states[state];
        if (reason === "complete") readEntries(entries, members.map(([number]) => number), changed);
        else if (reason !== undefined) full.push(reason);
        if (reason === "unmounted") {
          this.#watches.delete(device);
          native.watchClose(watch);
          this.#watches.set(device, this.#open(members.map(([, { fd }]) => fd), tops(device, mounts)));
        }
      }
    } catch (error) {
      if (error instanceof Unsupported) return { kind: "full", reason: "unsupported" };
      throw LinuxError.from(error);
    }
    this.#asked = asked;
    const [reason] = full;
    return reason === undefined ? { kind: "paths", ...changed } : { kind: "full", reason };
  }

  /** Makes the next answer `full`: for a reader that could not use the last one. */
  forget(): void {
    this.#asked = undefined;
  }

  [Symbol.dispose](): void {
    for (const watch of this.#watches.values()) native.watchClose(watch);
    this.#watches.clear();
    this.forget();
  }

  #open(directories: readonly number[], paths: readonly string[]): WatchHandle {
    for (const directory of directories) {
      const watch = this.#try(directory);
      if (watch !== undefined) return watch;
    }
    for (const path of paths) {
      let directory: number | undefined;
      try {
        directory = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
        const watch = this.#try(directory);
        if (watch !== undefined) return watch;
      } catch (error) {
        if (directory !== undefined) throw error; // else this mount cannot be reached: another may be
      } finally {
        if (directory !== undefined) closeSync(directory);
      }
    }
    throw new Unsupported();
  }

  #try(directory: number): WatchHandle | undefined {
    try {
      return native.watchOpen({ directory, limit: this.#limit });
    } catch (error) {
      // EXDEV: inside a btrfs subvolume; ENODEV, EOPNOTSUPP: its files have no handles; EINVAL: Linux before 5.9.
      if (error instanceof Error && "code" in error && ["EXDEV", "ENODEV", "EOPNOTSUPP", "EINVAL"].includes(String(error.code))) return undefined;
      throw error;
    }
  }
}

class Unsupported extends Error {}

interface Mount {
  readonly device: string;
  readonly root: string;
  readonly mountPoint: string;
}

/** By mount id (proc_pid_mountinfo(5)). */
function readMounts(): Map<string, Mount> {
  const lines = readFileSync("/proc/self/mountinfo", "latin1").trimEnd().split("\n");
  return new Map(
    lines.map((line) => {
      const [id = "", , device = "", root = "", mountPoint = ""] = line.split(" ");
      return [id, { device, root, mountPoint }];
    }),
  );
}

/** Where the top of the file system is mounted. */
function tops(device: string, mounts: ReadonlyMap<string, Mount>): string[] {
  const unescape = (text: string) => Buffer.from(text.replaceAll(/\\([0-7]{3})/gu, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))), "latin1").toString();
  return [...mounts.values()].flatMap((mount) => (mount.device === device && mount.root === "/" ? [unescape(mount.mountPoint)] : []));
}

function rootOf(fd: number, mounts: ReadonlyMap<string, Mount>): Root {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const mount = /^mnt_id:\s*(\d+)/mu.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1] ?? "";
  return { fd, device: mounts.get(mount)?.device ?? "", identity: `${dev}:${ino} ${mount} ${readlinkSync(`/proc/self/fd/${fd}`)}` };
}

interface Changed {
  readonly paths: ChangedPath[];
  readonly inodes: ChangedInode[];
}

/** @param numbers what the roots handed to the native side are called by the caller */
function readEntries(entries: ArrayBuffer, numbers: readonly number[], into: Changed): void {
  const bytes = Buffer.from(entries);
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at + entryHead);
    const root = numbers[bytes.readUInt32LE(at)] ?? 0;
    const depth = depths[bytes.readUInt8(at + entryHead - 1)];
    const text = bytes.toString("latin1", at + entryHead, end);
    if (depth === undefined) into.inodes.push({ root, ino: Number(text) });
    else into.paths.push({ root, depth, path: text });
    at = end + 1;
  }
}

/** As the native side writes them. */
export function packChanges({ paths, inodes }: KnownChanges): Uint8Array {
  const entry = (root: number, depth: ChangedPath["depth"] | undefined, text: string): Buffer => {
    const bytes = Buffer.alloc(entryHead + text.length + 1);
    bytes.writeUInt32LE(root);
    bytes.writeUInt8(depthNumbers.get(depth) ?? 0, entryHead - 1);
    bytes.write(text, entryHead, "latin1");
    return bytes;
  };
  return Buffer.concat([...paths.map(({ root, depth, path }) => entry(root, depth, path)), ...inodes.map(({ root, ino }) => entry(root, undefined, String(ino)))]);
}
