import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync, rmdirSync, unlinkSync } from "node:fs";
import { mkdir, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./run.ts";

export const loopFsTypes = ["ext4", "xfs", "btrfs"] as const;
export type LoopFsType = (typeof loopFsTypes)[number];

/** A real file system of its own on a loop device. */
export interface LoopFs extends AsyncDisposable {
  readonly type: LoopFsType;
  /** Where it is mounted. Stays the same over `remount`. */
  readonly mount: string;
  /** The image file behind it. */
  readonly image: string;
  /**
   * Unmounts and mounts again, as after a power cut or with other options (e.g. `["ro"]`).
   * @param between gets the image while it is not mounted; where it gives a path, that is mounted in the image's place
   */
  remount(options?: readonly string[], between?: (image: string) => Promise<string | undefined>): Promise<void>;
}

interface Format {
  /** The package's own lower bound: mkfs.xfs refuses less than 300 MiB, btrfs needs room for its chunks. */
  readonly minimumMiB: number;
  readonly arguments: readonly string[];
}

const formats: Record<LoopFsType, Format> = {
  // All inode tables written lazily would keep the device busy behind a test that measures.
  ext4: { minimumMiB: 16, arguments: ["-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0"] },
  xfs: { minimumMiB: 320, arguments: ["-q", "-m", "reflink=1"] },
  btrfs: { minimumMiB: 256, arguments: ["-q"] },
};

const prefix = "samepage-loop-";

/** Directories of this process that are mounted now; the exit hook and `openLoopFs` of a later process clean what is left. */
const mounted = new Set<string>();
let exitHook = false;

/** Why a loop mount of this type cannot be made here; undefined when it can. */
export function loopFsSkipReason(type: LoopFsType): string | undefined {
  if (process.getuid?.() !== 0) return "needs root to mount file systems";
  try {
    accessSync("/dev/loop-control", constants.W_OK);
  } catch {
    return "needs loop devices (/dev/loop-control)";
  }
  const maker = `mkfs.${type}`;
  const path = `${process.env["PATH"] ?? ""}${delimiter}/usr/sbin${delimiter}/sbin`;
  const found = path.split(delimiter).some((directory) => isExecutable(join(directory, maker)));
  if (!found) return `needs ${maker}`;
  if (!kernelHas(type)) return `needs ${type} in the kernel`;
  return undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function kernelHas(type: LoopFsType): boolean {
  const listed = () => new RegExp(`\\t${type}$`, "mu").test(readFileSync("/proc/filesystems", "utf8"));
  // A module is listed only once it is loaded.
  return listed() || (spawnSync("modprobe", ["-q", type]).status === 0 && listed());
}

/**
 * Makes and mounts a file system of at least `sizeMiB` (raised to what its type needs) in a sparse image,
 * or mounts a copy of the image `from` (of which btrfs takes only one at a time, for its UUID).
 * The loop device uses direct I/O, or every page would be cached twice and cache figures would lie.
 * Dispose of it (`await using`, or afterAll) to unmount and delete; a process killed before that is
 * cleaned up after by the next one.
 */
export async function openLoopFs(type: LoopFsType, sizeMiB: number, from?: string): Promise<LoopFs> {
  const reason = loopFsSkipReason(type);
  if (reason !== undefined) throw new Error(`no loop-mounted ${type} here: ${reason}`);
  await sweepLeftovers();
  const directory = await mkdtemp(join(tmpdir(), `${prefix}${process.pid}-`));
  const image = join(directory, "image");
  const mount = join(directory, "mount");
  try {
    await mkdir(mount);
    if (from === undefined) await format(type, sizeMiB, image);
    else await run("cp", ["--sparse=always", from, image]);
    await mountImage(type, image, mount, []);
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
  mounted.add(directory);
  if (!exitHook) {
    exitHook = true;
    process.on("exit", () => mounted.forEach(removeNow));
  }
  return {
    type,
    mount,
    image,
    remount: async (options = [], between = async () => Promise.resolve(undefined)) => {
      // A mount namespace that was made meanwhile keeps a copy of the mount, and then unmounting writes nothing back.
      await run("sync", ["--file-system", mount]).catch(() => {}); // Shut down, as by a power cut: there is nothing to write.
      await unmount(mount);
      await released(image);
      await mountImage(type, (await between(image)) ?? image, mount, options);
    },
    [Symbol.asyncDispose]: async () => {
      await unmount(mount);
      mounted.delete(directory);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function format(type: LoopFsType, sizeMiB: number, image: string): Promise<void> {
  const { minimumMiB, arguments: options } = formats[type];
  const handle = await open(image, "wx");
  await handle.truncate(Math.max(sizeMiB, minimumMiB) * 1024 * 1024);
  await handle.close();
  await run(`mkfs.${type}`, [...options, image]);
}

/** Runs `use` with a file system of its own and removes it afterwards, whatever happens. */
export async function withLoopFs<T>(type: LoopFsType, sizeMiB: number, use: (fs: LoopFs) => Promise<T>): Promise<T> {
  await using fs = await openLoopFs(type, sizeMiB);
  return await use(fs);
}

async function mountImage(type: LoopFsType, image: string, mount: string, options: readonly string[]): Promise<void> {
  const device = await attach(image);
  // XFS refuses a second mount of a UUID, also of one that only another process's mount namespace still has.
  const all = type === "xfs" ? ["nouuid", ...options] : options;
  try {
    await run("mount", ["-t", type, ...(all.length > 0 ? ["-o", all.join(",")] : []), device, mount]);
  } finally {
    // On a mounted device this only marks it to go with its last user, so unmounting is all the cleaning there is.
    await run("losetup", ["--detach", device]);
  }
}

/** Two processes may be handed the same free device; losetup then says EBUSY to one of them. */
async function attach(image: string): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      return (await run("losetup", ["--direct-io=on", "--find", "--show", image])).trim();
    } catch (error) {
      if (attempt === 20) throw error;
      await sleep(25 * attempt);
    }
  }
}

/** A file system is briefly busy after its last user is killed; one that stays busy is a leak the test should show. */
async function unmount(mount: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await run("umount", ["--recursive", mount]);
      return;
    } catch (error) {
      if (String(error).includes("not mounted")) return;
      if (attempt === 20) {
        spawnSync("umount", ["--lazy", "--recursive", mount]);
        throw error;
      }
      await sleep(25 * attempt);
    }
  }
}

/** A mount namespace that another process made meanwhile has a copy of the mount: until it goes, the image is in use. */
async function released(image: string): Promise<void> {
  for (let attempt = 1; attempt <= 40 && (await run("losetup", ["--associated", image])) !== ""; attempt++) await sleep(25 * attempt);
}

function removeNow(directory: string): void {
  spawnSync("umount", ["--lazy", "--recursive", join(directory, "mount")]);
  try {
    unlinkSync(join(directory, "image"));
    rmdirSync(join(directory, "mount"));
    rmdirSync(directory);
  } catch {
    // Someone else's sweep was first, or the directory is not ours to read: nothing is lost.
  }
}

/** Removes what processes that no longer run have left behind. */
async function sweepLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = new RegExp(`^${prefix}(\\d+)-`, "u").exec(name)?.[1];
    if (pid !== undefined && !isRunning(Number(pid))) removeNow(join(tmpdir(), name));
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}
