import { constants as fileConstants } from "node:fs";
import { describeBelow, JobControl, listBelow } from "@samepage/linux";
import type { Description, ListedName } from "@samepage/linux";
import { inspectObject } from "./inspect-object.ts";
import { isRuntime } from "./is-runtime.ts";
import { readOwners } from "./read-owners.ts";
import { ManifestWriter } from "./manifest-writer.ts";
import type { WriterPosition } from "./manifest-writer.ts";
import type { EntryType, TreeEntry } from "./tree-entry.ts";

export interface BuildOptions {
  /** Open directory: the root of the tree. */
  root: number;
  /** Paths (latin1, with leading slash) that packages call configuration. */
  conffiles: ReadonlySet<string>;
  /** Takes each frame before the next one is made; what it stored is not made again. */
  onFrame: (frame: Buffer, position: WriterPosition) => Promise<void>;
  /** Where an interrupted build stood after its last stored frame. */
  position?: WriterPosition;
  /** Files read at the same time. Default 4: enough to keep a disk busy and not all processors. Range 1 … 64. */
  threads?: number;
  /** Upper bound of the read rate, bytes per second. Default none. */
  bytesPerSecond?: number;
  /** Give way to everybody else's processes. Default false. */
  background?: boolean;
  signal?: AbortSignal;
}

export interface BuiltManifest {
  /** SHA-256 (hex) the manifest is known by. */
  name: string;
  entries: number;
  /** Bytes of all files. */
  bytes: number;
  /** Names left out because they could not be read or did not hold still; errno's name or `changed`. */
  failures: { path: Buffer; reason: string }[];
}

/** Files handed to a thread at once: a call's cost is spread, and a frame's worth of results fits in memory. */
const batchSize = 128;

/**
 * Describes a tree as a manifest: walk, sort, read each file once in path order. Runtime directories
 * (proc, sys, dev, run, tmp) are listed without contents, sockets not at all. Nothing outside the root
 * is ever opened, whatever happens in the tree meanwhile.
 * @throws LinuxError when the walk fails, the signal's reason when aborted, or what onFrame throws
 */
export async function buildManifest(options: BuildOptions): Promise<BuiltManifest> {
  const { signal, position, onFrame } = options;
  signal?.throwIfAborted();
  const control = new JobControl(options);
  const cancel = () => control.cancel();
  signal?.addEventListener("abort", cancel, { once: true });
  try {
    const writer = new ManifestWriter(position);
    const built: BuiltManifest = { name: "", entries: position?.entries ?? 0, bytes: 0, failures: [] };
    const names = (await listBelow(options.root, control)).filter(({ path, mode }) => !isRuntime(path) && typeOf(mode) !== undefined);
    const ownerOf = readOwners(options.root, names);
    names.sort((a, b) => Buffer.compare(a.path, b.path));
    const rest = position === undefined ? names : names.filter(({ path }) => Buffer.compare(path, position.lastPath) > 0);
    for await (const described of inBatches(rest, options, control)) {
      for (const { name, description } of described) {
        const entry = toEntry(name, description, { ...options, ownerOf }, built);
        if (entry === undefined) continue;
        built.entries++;
        built.bytes += entry.size;
        const frame = writer.add(entry);
        if (frame !== undefined) await onFrame(frame, writer.position);
      }
      signal?.throwIfAborted();
    }
    const { frames, name } = writer.finish();
    for (const frame of frames) await onFrame(frame, writer.position);
    return { ...built, name };
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", cancel);
  }
}

interface Described {
  name: ListedName;
  /** Undefined for what is neither file nor directory. */
  description: Description | undefined;
}

/** Descriptions in path order, a few batches ahead of the consumer. */
async function* inBatches(names: readonly ListedName[], options: BuildOptions, control: JobControl): AsyncGenerator<Described[]> {
  const running: Promise<Described[]>[] = [];
  for (let start = 0; start < names.length || running.length > 0; ) {
    while (start < names.length && running.length < (options.threads ?? 4)) {
      const batch = describeBatch(names.slice(start, start + batchSize), options.root, control);
      // Awaited in order below; a failure meanwhile must not count as unhandled.
      batch.catch(() => {});
      running.push(batch);
      start += batchSize;
    }
    const next = await running.shift();
    if (next !== undefined) yield next;
  }
}

async function describeBatch(names: readonly ListedName[], root: number, control: JobControl): Promise<Described[]> {
  const readable = names.filter(({ mode }) => typeOf(mode) === "file" || typeOf(mode) === "directory");
  const descriptions = await describeBelow(root, readable.map(({ path }) => path), control);
  const byName = new Map(readable.map((name, index) => [name, descriptions[index]]));
  return names.map((name) => ({ name, description: byName.get(name) }));
}

function toEntry({ path, mode, uid, gid, device, target, error }: ListedName, description: Description | undefined, options: BuildOptions & { ownerOf: (path: string) => string | undefined }, built: BuiltManifest): TreeEntry | undefined {
  const type = typeOf(description?.mode ?? mode);
  const reason = error ?? description?.error ?? (description?.changed === true ? "changed" : undefined);
  // A mount point cannot be entered, but the directory it covers is part of the tree.
  const isMountPoint = type === "directory" && description?.error === "EXDEV";
  if (type === undefined || (reason !== undefined && !isMountPoint)) {
    built.failures.push({ path, reason: reason ?? "changed" });
    return undefined;
  }
  const text = path.toString("latin1");
  const { mode: bits, ...owner } = isMountPoint || description === undefined ? { mode, uid, gid } : { mode: description.mode, uid: description.uid, gid: description.gid };
  const entry: TreeEntry = {
    path, type, mode: bits & 0o7777, ...owner, size: 0,
    attributes: description?.attributes ?? [], conffile: options.conffiles.has(`/${text}`), prelinked: false,
  }; // prettier-ignore
  const packageName = options.ownerOf(text);
  if (packageName !== undefined) entry.package = packageName;
  if (type === "symlink") entry.target = target;
  if (type === "character" || type === "block") entry.device = device;
  if (type === "file" && description !== undefined) {
    entry.size = description.size;
    entry.digest = description.digest;
    if (description.elf) Object.assign(entry, inspectObject(options.root, path, description.size));
  }
  return entry;
}

const types = new Map<number, EntryType>([
  [fileConstants.S_IFREG, "file"],
  [fileConstants.S_IFDIR, "directory"],
  [fileConstants.S_IFLNK, "symlink"],
  [fileConstants.S_IFIFO, "fifo"],
  [fileConstants.S_IFCHR, "character"],
  [fileConstants.S_IFBLK, "block"],
]);

/** Undefined for sockets, which only a running process gives meaning. */
function typeOf(mode: number): EntryType | undefined {
  return types.get(mode & fileConstants.S_IFMT);
}
