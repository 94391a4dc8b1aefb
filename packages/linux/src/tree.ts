import { type KnownChanges, packChanges } from "./change-watch.ts";
import { LinuxError } from "./linux-error.ts";
import type { JobControl } from "./job-control.ts";
import { native, type TreeHandle } from "./native.ts";

/** Order is the contract with native/reason.h. */
export const rowStates = [
  "new",
  "unique",
  "already",
  "immutable",
  "append-only",
  "outside-link",
  "changed",
  "busy",
  "link-limit",
  "unsupported",
  "error",
  "done",
  "stopped",
  "not-in-template",
] as const;
export type RowState = (typeof rowStates)[number];

/** From here on a row's state is the number of its inode among the candidates. */
const candidateState = 256;

/** Names left alone by exact path; the number is the list's place in `TreeCounts.exact`. */
export interface ExactPath {
  /** latin1 of the path's bytes, from the guest's root, with its leading slash. */
  readonly path: string;
  readonly list: 0 | 1 | 2 | 3;
}

export interface ScanGuest {
  /** Open directory (O_PATH will do); duplicated, the caller keeps its own. */
  readonly fd: number;
  /** Names of one space may come to share storage, others never. 0 … 65534. Ignored for a pool, whose objects carry a tag. */
  readonly space: number;
  readonly pool: boolean;
  readonly exact: readonly ExactPath[];
}

export interface ScanOptions {
  readonly guests: readonly ScanGuest[];
  /** Ordered globs over path bytes, first match wins; not applied to pools. */
  readonly patterns: readonly { readonly pattern: Uint8Array; readonly verdict: "include" | "exclude" | "skip" }[];
  /** Which space a domain tag means among the objects of a pool (`guest`: its number in `guests`); objects of other tags take no part. */
  readonly tags: readonly { readonly tag: number; readonly space: number; readonly guest: number }[];
  readonly minSize: number;
  readonly threads: number;
  /**
   * An earlier scan with equal options and what changed since, by number of guest: only directories in which something
   * changed are read again.
   */
  readonly known?: { readonly tree: Tree; readonly changes: KnownChanges } | undefined;
}

/** What was seen of one guest without getting a row of its own, in names; `logical` in bytes. */
export interface TreeCounts {
  readonly names: number;
  readonly rows: number;
  readonly logical: number;
  readonly excluded: number;
  readonly exact: readonly number[];
  readonly symlink: number;
  readonly notRegular: number;
  readonly empty: number;
  readonly tooSmall: number;
  readonly otherDevice: number;
  readonly directories: number;
}

const verdictNumber = { include: 0, exclude: 1, skip: 2 } as const;
const rowWords = 8;
const factsWords = 10;
const dirWords = 20;
const failureWords = 3;
const countWords = 14;
const inodeWords = 6;
/** Of an inode's last word; the others say what is known of its content. */
const inodeNames = 0x0fff_ffff;
const noName = 0xffff_ffff;
const high = 2 ** 32;
const flagImmutable = 0x8000;
const flagPool = 0x2000;
const permissions = 0o7777;

/**
 * The names of regular files below some guests, as packed rows in native memory that JavaScript reads in place.
 * Rows are numbered from 0 to `rowCount - 1`; not every number is in use (`isUsed`).
 */
export class Tree implements Disposable {
  readonly handle: TreeHandle;
  readonly rowCount: number;
  readonly counts: readonly TreeCounts[];
  readonly #rows: Uint32Array;
  readonly #facts: Uint32Array;
  readonly #times: BigInt64Array;
  readonly #dirs: Uint32Array;
  readonly #names: Uint8Array;

  constructor(handle: TreeHandle) {
    this.handle = handle;
    const views = native.treeViews(handle);
    this.#rows = new Uint32Array(views.rows);
    this.#facts = new Uint32Array(views.facts);
    this.#times = new BigInt64Array(views.facts);
    this.#dirs = new Uint32Array(views.dirs);
    this.#names = new Uint8Array(views.names);
    this.rowCount = this.#rows.length / rowWords;
    this.counts = readCounts(new BigInt64Array(views.counts));
  }

  /** What could not be read or swapped so far. */
  failures(): { dir: number; name: string | undefined; errno: number }[] {
    const words = new Int32Array(native.treeFailures(this.handle));
    return Array.from({ length: words.length / failureWords }, (_, at) => {
      const name = (words[at * failureWords + 1] ?? 0) >>> 0;
      return { dir: (words[at * failureWords] ?? 0) >>> 0, name: name === noName ? undefined : this.#text(name), errno: words[at * failureWords + 2] ?? 0 };
    });
  }

  /** Gives the guests' roots back, so that their file systems can be unmounted; what was read stays readable. */
  [Symbol.dispose](): void {
    native.treeLetGo(this.handle);
  }

  isUsed(row: number): boolean {
    return this.#factsOf(row) !== 0;
  }
  isPool(row: number): boolean {
    return (this.#mode(row) & flagPool) !== 0;
  }
  isImmutable(row: number): boolean {
    return (this.#mode(row) & flagImmutable) !== 0;
  }
  /** Exact up to 2^53; no file system in use numbers inodes beyond. */
  ino(row: number): number {
    return wide(this.#rows, row * rowWords);
  }
  /** Bytes. */
  size(row: number): number {
    return wide(this.#facts, this.#factsOf(row));
  }
  /** Nanoseconds since the epoch. */
  mtime(row: number): bigint {
    return this.#times[this.#factsOf(row) / 2 + 1] ?? 0n;
  }
  /** ctime in nanoseconds since the epoch, as exactly as a double holds it: 256 ns. */
  changed(row: number): number {
    return wide(this.#rows, row * rowWords + 2);
  }
  links(row: number): number {
    return this.#facts[this.#factsOf(row) + 6] ?? 0;
  }
  /** Bytes on disk, from st_blocks. */
  allocated(row: number): number {
    return (this.#facts[this.#factsOf(row) + 7] ?? 0) * 512;
  }
  space(row: number): number {
    return this.#facts[this.#factsOf(row) + 9] ?? 0;
  }
  permissions(row: number): number {
    return this.#mode(row) & permissions;
  }
  /** Takes the row out of what is identified: it belongs to no template that this run is limited to. */
  leaveOut(row: number): void {
    this.#rows[row * rowWords + 7] = rowStates.indexOf("not-in-template");
  }
  directory(row: number): number {
    return this.#rows[row * rowWords + 4] ?? 0;
  }
  /** The guest's number in `ScanOptions.guests`. */
  guest(row: number): number {
    return this.#dirs[this.directory(row) * dirWords + 2] ?? 0;
  }
  guestOfDirectory(dir: number): number {
    return this.#dirs[dir * dirWords + 2] ?? 0;
  }
  /** What became of the row, or undefined while it is a candidate. */
  state(row: number): RowState | undefined {
    return rowStates[this.#rows[row * rowWords + 7] ?? 0];
  }
  /** The number of the row's inode among the candidates, or undefined when it is none. */
  candidate(row: number): number | undefined {
    const state = this.#rows[row * rowWords + 7] ?? 0;
    return state < candidateState ? undefined : state - candidateState;
  }
  /** latin1 of the name's bytes. */
  name(row: number): string {
    return this.#text(this.#rows[row * rowWords + 5] ?? 0);
  }
  /** latin1 of the path's bytes from the guest's root, with a leading slash. */
  path(row: number): string {
    return `${this.directoryPath(this.directory(row))}/${this.name(row)}`;
  }
  /** As `path`, of a directory; empty for the guest's root. */
  directoryPath(dir: number): string {
    const parts: string[] = [];
    for (let at = dir, parent = this.#dirs[at * dirWords] ?? at; parent !== at; at = parent, parent = this.#dirs[at * dirWords] ?? at) {
      parts.push(this.#text(this.#dirs[at * dirWords + 1] ?? 0));
    }
    return parts.reverse().map((part) => `/${part}`).join("");
  }

  #mode(row: number): number {
    return this.#facts[this.#factsOf(row) + 8] ?? 0;
  }
  /** Where the row's facts begin; 0 of a row that is not used. */
  #factsOf(row: number): number {
    return (this.#rows[row * rowWords + 6] ?? 0) * factsWords;
  }
  #text(at: number): string {
    const end = this.#names.indexOf(0, at);
    return Buffer.from(this.#names.buffer, at, end - at).toString("latin1");
  }
}

function wide(words: Uint32Array, at: number): number {
  return (words[at] ?? 0) + (words[at + 1] ?? 0) * high;
}

function readCounts(words: BigInt64Array): TreeCounts[] {
  return Array.from({ length: words.length / countWords }, (_, guest) => {
    const count = (at: number) => Number(words[guest * countWords + at] ?? 0n);
    return {
      names: count(0),
      rows: count(1),
      logical: count(2),
      excluded: count(3),
      exact: [count(4), count(5), count(6), count(7)],
      symlink: count(8),
      notRegular: count(9),
      empty: count(10),
      tooSmall: count(11),
      otherDevice: count(12),
      directories: count(13),
    };
  });
}

/**
 * Walks all guests at once, or what changed of them; the control's `files` counts the names that were looked at. Symbolic links, mount points and `..` are never followed, whatever a guest does meanwhile.
 * What cannot be read is in `failures()`; the rest is complete.
 * @throws LinuxError ECANCELED, ENOMEM
 */
export async function scanTrees(options: ScanOptions, control: JobControl): Promise<Tree> {
  control.startPhase();
  try {
    const handle = await native.scan({
      control: control.buffer,
      guests: options.guests.map(({ fd, space, pool, exact }) => ({ fd, space, pool, exact: packExact(exact) })),
      patterns: options.patterns.map(({ pattern, verdict }) => ({ pattern, verdict: verdictNumber[verdict] })),
      tags: Uint32Array.from(options.tags.flatMap(({ tag, space, guest }) => [tag, space, guest])),
      minSize: options.minSize,
      threads: options.threads,
      known: options.known?.tree.handle,
      changes: options.known === undefined ? new Uint8Array() : packChanges(options.known.changes),
    });
    return new Tree(handle);
  } catch (error) {
    throw LinuxError.from(error);
  }
}

function packExact(paths: readonly ExactPath[]): Uint8Array {
  return Buffer.concat(paths.map(({ path, list }) => Buffer.concat([Buffer.of(list), Buffer.from(path, "latin1"), Buffer.of(0)])));
}

export interface IdentifyOptions {
  /** By space, 1: owner, mode, mtime, xattrs, flags and project id must be equal too (hard links); 0: content alone (reflink). */
  readonly identity: Uint8Array;
  readonly ignoreMtime: boolean;
  /** Records of native/candidates.h IndexRecord, sorted. */
  readonly index: ArrayBuffer | undefined;
  readonly minThreads: number;
  readonly maxThreads: number;
  /** What was not in the page cache before is dropped from it after. */
  readonly dropCache: boolean;
}

/** Inodes that may share: those of one group are equal by content hash (and identity). */
export class Candidates {
  /** Rows, an inode's names side by side. */
  readonly order: Uint32Array;
  readonly grouped: Uint32Array;
  /** Group `g` is `grouped[groupStart[g]] … grouped[groupStart[g + 1] - 1]`. */
  readonly groupStart: Uint32Array;
  readonly inodeCount: number;
  readonly #inodes: Uint32Array;

  constructor(views: { order: ArrayBuffer; inodes: ArrayBuffer; grouped: ArrayBuffer; groupStart: ArrayBuffer }) {
    this.order = new Uint32Array(views.order);
    this.grouped = new Uint32Array(views.grouped);
    this.groupStart = new Uint32Array(views.groupStart);
    this.#inodes = new Uint32Array(views.inodes);
    this.inodeCount = this.#inodes.length / inodeWords;
  }

  /** Where the inode's names begin in `order`. */
  firstName(inode: number): number {
    return this.#inodes[inode * inodeWords + 4] ?? 0;
  }
  names(inode: number): number {
    return (this.#inodes[inode * inodeWords + 5] ?? 0) & inodeNames;
  }
  /** A row of the inode. */
  row(inode: number): number {
    return this.order[this.firstName(inode)] ?? 0;
  }
}

/**
 * Reads what may equal something else, each file once, and groups it. Afterwards every row has a state.
 * @throws LinuxError ECANCELED, ENOMEM
 */
export async function identifyTree(tree: Tree, options: IdentifyOptions, control: JobControl): Promise<Candidates> {
  control.startPhase();
  try {
    return new Candidates(await native.identify(tree.handle, { control: control.buffer, ...options }));
  } catch (error) {
    throw LinuxError.from(error);
  }
}

/**
 * SHA-256 over every swap: space and inode number of what replaces, then inode number, ctime and size of what is replaced.
 * The order in which threads found the groups does not matter; that of a group's members is the plan's own.
 * @param swaps groups one after the other: canonical inode, number of members, members; `reflinks` likewise
 * @returns 64 hexadecimal digits
 * @throws LinuxError ENOMEM
 */
export function planHash(tree: Tree, swaps: Uint32Array, reflinks: Uint32Array): string {
  try {
    return Buffer.from(native.planHash(tree.handle, swaps, reflinks)).toString("hex");
  } catch (error) {
    throw LinuxError.from(error);
  }
}

/** In `sharedPages`: the inode's names share with nobody. */
export const showsAlone = 0xffff_ffff;

/**
 * Pages in the page cache of inodes that several names show, and what private copies of the same pages would take besides;
 * 0 where the kernel cannot tell (before Linux 6.5).
 * @param shown by inode of the candidates, the row whose inode its names show now, or `showsAlone`; every other name shows its own. Empty for a tree that was not identified
 * @throws LinuxError ECANCELED, ENOMEM
 */
export async function sharedPages(tree: Tree, shown: Uint32Array, threads: number, control: JobControl): Promise<{ readonly shared: number; readonly saved: number }> {
  try {
    return await native.sharedPages(tree.handle, { control: control.buffer, shown, threads });
  } catch (error) {
    throw LinuxError.from(error);
  }
}

/**
 * What is known of the candidates' content as records for the next run's `IdentifyOptions.index`, with those of an older
 * index whose files were not met this time; undefined when the older index says all of it already.
 * @param gone by inode, 1 for inodes that have no names any more
 * @throws LinuxError ENOMEM
 */
export async function indexRecords(tree: Tree, gone: Uint8Array, old: ArrayBuffer | undefined): Promise<ArrayBuffer | undefined> {
  try {
    return await native.indexRecords(tree.handle, { gone, old: old ?? new ArrayBuffer(0) });
  } catch (error) {
    throw LinuxError.from(error);
  }
}
