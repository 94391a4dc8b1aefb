import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "@samepage/test-support";

/** An image shown as a file to mount, all of whose requests are watched: see watched-disk.c. Goes when it is disposed of. */
export interface WatchedDisk extends AsyncDisposable {
  readonly path: string;
  /** Every write and flush, for write-log.ts. */
  readonly log: string;
}

/** Why there is no such disk here; undefined where there is. */
export function watchedDiskSkipReason(): string | undefined {
  if (!existsSync("/dev/fuse")) return "needs FUSE (/dev/fuse)";
  return spawnSync("cc", ["--version"]).status === 0 ? undefined : "needs a C compiler for the disk that is watched";
}

/**
 * @param directory an existing one, for the disk's own files
 * @param bad the byte of the image that cannot be read: EIO, as of a failing disk
 */
export async function openWatchedDisk(directory: string, image: string, bad?: number): Promise<WatchedDisk> {
  const [program, path, log] = [join(directory, "watched-disk"), join(directory, "disk"), join(directory, "log")];
  await run("cc", ["-O1", "-o", program, join(import.meta.dirname, "watched-disk.c")]);
  await writeFile(path, "");
  const disk = spawn(program, [image, path, log, ...(bad === undefined ? [] : [String(bad)])], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(disk, "close");
  const said = await Promise.race([once(disk.stdout, "data"), ended.then(() => undefined)]);
  if (said === undefined) throw new Error(`${path}: no disk is shown here`);
  return {
    path,
    log,
    [Symbol.asyncDispose]: async () => {
      disk.stdin.end();
      await ended;
    },
  };
}
