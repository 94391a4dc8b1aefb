import { randomBytes } from "node:crypto";
import { closeSync, constants, fstatSync, mkdirSync, openSync, statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { setModified, tryLock } from "@samepage/linux";
import { UnifyError } from "./unify-error.ts";

/** The directory at the top of a file system that holds everything of ours there. */
export const placeName = ".samepage";
const lockEveryMs = 50;

export function poolPath(top: string): string {
  return join(top, placeName, "pool");
}

export function runsPath(top: string): string {
  return join(top, placeName, "runs");
}

/**
 * `<top>/.samepage` of one file system: `pool/` with the objects, `runs/` with journals and quarantines, `links` with the
 * hard links that guests had among their own names. Only root may enter it, so no guest sees or changes what is in it.
 */
export class PoolPlace implements Disposable {
  readonly path: string;
  readonly pool: string;
  readonly runs: string;
  readonly links: string;
  /** Whether another run was at work here when this one asked for the place. */
  readonly waited: boolean;
  readonly #lock: number;

  private constructor(top: string, lock: number, waited: boolean) {
    this.path = join(top, placeName);
    this.pool = poolPath(top);
    this.runs = runsPath(top);
    this.links = join(this.path, "links");
    this.#lock = lock;
    this.waited = waited;
  }

  static exists(top: string): boolean {
    return statSync(poolPath(top), { throwIfNoEntry: false })?.isDirectory() === true;
  }

  /**
   * Makes the place where it is missing and waits until no other run works on it.
   * @throws UnifyError not-permitted, read-only-file-system, input-output; the signal's reason
   */
  static async take(top: string, signal: AbortSignal): Promise<PoolPlace> {
    const path = join(top, placeName);
    let lock: number | undefined;
    try {
      makePrivate(path, top);
      makePrivate(join(path, "pool"), undefined);
      makePrivate(join(path, "runs"), undefined);
      lock = openSync(join(path, "lock"), constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o600);
      let waited = false;
      for (; !tryLock(lock); waited = true) await sleep(lockEveryMs, undefined, { signal });
      return new PoolPlace(top, lock, waited);
    } catch (error) {
      if (lock !== undefined) closeSync(lock);
      signal.throwIfAborted();
      throw error instanceof UnifyError ? error : toPlaceError(path, error);
    }
  }

  /** A new directory for one run's journal and quarantine. */
  openRun(): PoolRun {
    const path = join(this.runs, `${Date.now().toString(36)}-${process.pid}-${randomBytes(6).toString("hex")}`);
    mkdirSync(path, { mode: 0o700 });
    mkdirSync(join(path, "quarantine"), { mode: 0o700 });
    return { path, journal: join(path, "journal"), quarantine: join(path, "quarantine") };
  }

  [Symbol.dispose](): void {
    closeSync(this.#lock);
  }
}

export interface PoolRun {
  readonly path: string;
  readonly journal: string;
  readonly quarantine: string;
}

/** Makes a directory that only its owner may enter, or checks that the one there is such. @param parent its times are kept */
function makePrivate(path: string, parent: string | undefined): void {
  try {
    if (parent === undefined) mkdirSync(path, { mode: 0o700 });
    else makeUnseen(path, parent);
    return;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  const { uid, mode } = fstatSync(fd);
  closeSync(fd);
  if (uid === process.getuid?.() && (mode & 0o077) === 0) return;
  throw new UnifyError("not-permitted", path, "is not this user's private directory", "Find out who made it; remove it or give it mode 0700 and owner root.");
}

/** The top may be a guest's own root, whose time must not tell of us. */
function makeUnseen(path: string, parent: string): void {
  const fd = openSync(parent, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const { mtimeNs } = fstatSync(fd, { bigint: true });
    mkdirSync(path, { mode: 0o700 });
    setModified(fd, mtimeNs);
  } finally {
    closeSync(fd);
  }
}

function toPlaceError(path: string, cause: unknown): UnifyError {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return new UnifyError("not-permitted", path, "cannot be made", "Run as root.", { cause });
    case "EROFS":
      return new UnifyError("read-only-file-system", path, "cannot be made", "Remount the file system read-write.", { cause });
    default:
      return new UnifyError("input-output", path, "cannot be made", "See the cause; check space and the file system's health.", { cause });
  }
}
