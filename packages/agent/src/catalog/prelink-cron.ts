import { closeSync, constants, fstatSync, readFileSync } from "node:fs";
import { LinuxError, openBelow } from "@samepage/linux";

/** Where distributions put prelink's nightly job, and its settings. */
const jobs = ["etc/cron.daily/prelink", "etc/cron.daily/prelink.cron"];
const settings = ["etc/sysconfig/prelink", "etc/default/prelink"];

/** A settings file is some lines; more is not read. */
const largestSettings = 64 * 1024;

/**
 * Whether a job inside the guest runs prelink every night: it would write every library anew, each time with other
 * addresses, and undo what was unified. An executable job with PRELINKING=yes; Debian's default `unknown` does nothing.
 * @param root open directory of the guest; nothing in it is run, no link in it followed
 */
export function hasPrelinkCron(root: number): boolean {
  if (!jobs.some((path) => withFile(root, path, (fd) => (fstatSync(fd).mode & 0o111) !== 0) ?? false)) return false;
  return settings.some((path) => withFile(root, path, (fd) => fstatSync(fd).size <= largestSettings && /^\s*PRELINKING=["']?yes["']?\s*(?:#.*)?$/mu.test(readFileSync(fd, "latin1"))) ?? false);
}

function withFile<T>(root: number, path: string, use: (fd: number) => T): T | undefined {
  let fd = -1;
  try {
    fd = openBelow(root, Buffer.from(path), constants.O_RDONLY);
    return fstatSync(fd).isFile() ? use(fd) : undefined;
  } catch (error) {
    if (error instanceof LinuxError) return undefined;
    throw error;
  } finally {
    if (fd >= 0) closeSync(fd);
  }
}
